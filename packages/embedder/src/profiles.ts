/** The profile table. Another engine is another row; a way of talking that no row has is a protocol. */
import type { Profile } from './profile.ts';
import { jina } from './profiles/jina.ts';
import { nullEngine } from './profiles/null.ts';
import { staticEmbedding } from './profiles/static.ts';

export const profiles: Readonly<Record<string, Profile>> = Object.fromEntries(
  [staticEmbedding, jina, nullEngine].map((profile) => [profile.name, profile]),
);
