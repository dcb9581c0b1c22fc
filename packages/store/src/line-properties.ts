/** What a line's collection says of itself: properties with our own keys, the only place that every server keeps. */
import { type Space, type SpaceProof, spaceFingerprint } from '@sluice/core';

export interface LineInfo {
  line: string;
  collection: string;
  /** Random; another epoch is another collection under the same name. */
  epoch: string;
  /** Queues that the line is split over. */
  shards: number;
  space: Space;
  /** Fingerprints of the cuts that live in the collection. */
  cuts: string[];
  /** When the collection was created, ISO 8601. */
  created: string;
  /** Which engine was seen to be right for the space; absent until a worker has started. */
  proof?: SpaceProof;
}

type Properties = Record<string, string>;

const CUT = 'sluice.cut.';

export function collectionName(line: string): string {
  return `sluice_${line.replaceAll('-', '_')}`;
}

export function toProperties(info: Pick<LineInfo, 'line' | 'epoch' | 'shards' | 'space' | 'cuts'>): Properties {
  return {
    'sluice.line': info.line,
    'sluice.epoch': info.epoch,
    'sluice.shards': String(info.shards),
    'sluice.space': JSON.stringify(info.space),
    'sluice.fp': spaceFingerprint(info.space),
    ...Object.assign({}, ...info.cuts.map(cutProperty)),
  };
}

/** A property of its own, so that two programs that add a cut at the same moment both keep theirs. */
export function cutProperty(cut: string): Properties {
  return { [`${CUT}${cut}`]: 'stored' };
}

export function proofProperty(proof: SpaceProof): Properties {
  return { 'sluice.proof': JSON.stringify(proof) };
}

/** undefined when the collection is not one of ours, or its properties were edited. */
export function fromProperties(
  properties: readonly { key: string; value: string | number }[],
  { collection, created }: { collection: string; created: string },
): LineInfo | undefined {
  const values = new Map(properties.map(({ key, value }) => [key, String(value)]));
  const line = values.get('sluice.line');
  const epoch = values.get('sluice.epoch');
  const shards = Number(values.get('sluice.shards'));
  const space = parse<Space>(values.get('sluice.space'));
  const proof = parse<SpaceProof>(values.get('sluice.proof'));
  if (line === undefined || epoch === undefined || space === undefined || !Number.isInteger(shards)) return undefined;
  if (spaceFingerprint(space) !== values.get('sluice.fp')) return undefined;
  const cuts = [...values.keys()].filter((key) => key.startsWith(CUT)).map((key) => key.slice(CUT.length));
  return { line, collection, epoch, shards, space, cuts: cuts.sort(), created, ...(proof !== undefined && { proof }) };
}

/** Only Sluice writes these. */
function parse<T>(json: string | undefined): T | undefined {
  try {
    return json === undefined ? undefined : (JSON.parse(json) as T);
  } catch {
    return undefined;
  }
}
