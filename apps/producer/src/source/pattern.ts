/**
 * A pattern, as a question to the walk of its fixed prefix: so what a folder's own read reports (what cannot be read, links,
 * `.ingestignore`) a pattern's read reports too, and nothing that was not read looks as if it were gone.
 */
import { posix } from 'node:path';

export interface Pattern {
  matches(relative: string): boolean;
  /** Whether a match can lie in this folder. */
  enters(folder: string): boolean;
}

export function createPattern(pattern: string): Pattern {
  const parts = pattern.split('/');
  // A brace with a slash in it is no part of a path.
  const whole = /\{[^}]*\//.test(pattern);
  return {
    matches: (relative) => posix.matchesGlob(relative, pattern),
    enters(folder) {
      if (whole) return true;
      for (const [depth, name] of folder.split('/').entries()) {
        const part = parts[depth];
        if (part?.includes('**')) return true;
        if (part === undefined || depth === parts.length - 1 || !posix.matchesGlob(name, part)) return false;
      }
      return true;
    },
  };
}
