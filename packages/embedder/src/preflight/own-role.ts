import type { Role } from '../engine.ts';
import type { Profile } from '../profile.ts';

/** The role in which an engine is examined, and the instruction of its texts: passages, or queries where it serves nothing else. */
export function ownRole({ roles, passageInstruction, queryInstruction }: Profile): { role: Role; instruction: string } {
  return roles.includes('passage')
    ? { role: 'passage', instruction: passageInstruction }
    : { role: 'query', instruction: queryInstruction };
}
