/**
 * Grapheme clusters as the reference tokenizer sees them (Rust's unicode-segmentation 1.12, Unicode 16), not as this Node's
 * ICU does: the normaliser replaces a whole cluster at once, so a newer table would give other tokens.
 */
import { conjunctExtendRanges, conjunctLinkers, graphemeRanges } from './grapheme-data.ts';

/** Grapheme_Cluster_Break, with two properties that the rules need folded in. */
export const category = {
  any: 0,
  cr: 1,
  lf: 2,
  control: 3,
  extend: 4,
  pictographic: 5,
  conjunctConsonant: 6,
  l: 7,
  lv: 8,
  lvt: 9,
  prepend: 10,
  regional: 11,
  spacingMark: 12,
  t: 13,
  v: 14,
  zwj: 15,
} as const;

const fields: Record<keyof typeof graphemeRanges, number> = {
  CR: category.cr,
  LF: category.lf,
  Control: category.control,
  Extend: category.extend,
  Extended_Pictographic: category.pictographic,
  InCB_Consonant: category.conjunctConsonant,
  L: category.l,
  Prepend: category.prepend,
  Regional_Indicator: category.regional,
  SpacingMark: category.spacingMark,
  T: category.t,
  V: category.v,
  ZWJ: category.zwj,
};

const CODE_POINTS = 0x110000;
let categories: Uint8Array | undefined;
let conjunctExtend: Set<number> | undefined;

/** Calls `visit` for each code point of packed ranges: base-36 gaps to the previous end, `gap.length-1`, by commas. */
function unpack(packed: string, visit: (codePoint: number) => void): void {
  let at = 0;
  for (const item of packed.split(',')) {
    const [gap, more = '0'] = item.split('.');
    at += Number.parseInt(gap!, 36);
    for (const last = at + Number.parseInt(more, 36); ; at++) {
      visit(at);
      if (at === last) break;
    }
  }
}

function categoryTable(): Uint8Array {
  if (categories !== undefined) return categories;
  const table = new Uint8Array(CODE_POINTS);
  for (let syllable = 0xac00; syllable < 0xd7a4; syllable++) {
    table[syllable] = (syllable - 0xac00) % 28 === 0 ? category.lv : category.lvt;
  }
  for (const [name, packed] of Object.entries(graphemeRanges)) {
    unpack(packed, (codePoint) => {
      table[codePoint] = fields[name as keyof typeof graphemeRanges];
    });
  }
  categories = table;
  return table;
}

export function graphemeCategory(codePoint: number): number {
  return categoryTable()[codePoint]!;
}

function extendsConjunct(codePoint: number): boolean {
  if (conjunctExtend === undefined) {
    const set = new Set<number>();
    unpack(conjunctExtendRanges, (member) => set.add(member));
    conjunctExtend = set;
  }
  return conjunctExtend.has(codePoint);
}

/**
 * The index after the grapheme that starts at `from` (a grapheme boundary) in `codePoints`. Linear over a whole text: the
 * look-backs of GB9c, GB11 and GB12 are kept as running state.
 */
export function graphemeEnd(codePoints: ArrayLike<number>, from: number): number {
  const length = codePoints.length;
  let at = from;
  let before = graphemeCategory(codePoints[at]!);
  let regionals = before === category.regional ? 1 : 0;
  /** GB11: a pictographic, then extends only; and whether exactly one joiner follows them. */
  let pictographic = before === category.pictographic;
  let joined = false;
  /** GB9c: a consonant, then extends and linkers only; whether a linker was among them. */
  let consonant = before === category.conjunctConsonant;
  let linked = false;
  for (at++; at < length; at++) {
    const codePoint = codePoints[at]!;
    const after = graphemeCategory(codePoint);
    if (breaks(before, after, regionals, joined, consonant && linked)) return at;
    regionals = after === category.regional ? regionals + 1 : 0;
    joined = pictographic && after === category.zwj;
    pictographic = after === category.pictographic || (pictographic && after === category.extend);
    if (after === category.conjunctConsonant) {
      consonant = true;
      linked = false;
    } else if (conjunctLinkers.includes(codePoint)) {
      linked = true;
    } else if (!extendsConjunct(codePoint)) {
      consonant = false;
    }
    before = after;
  }
  return at;
}

function breaks(before: number, after: number, regionals: number, joined: boolean, conjunct: boolean): boolean {
  if (before === category.cr && after === category.lf) return false; // GB3
  if (before >= category.cr && before <= category.control) return true; // GB4
  if (after >= category.cr && after <= category.control) return true; // GB5
  switch (before) {
    case category.l: // GB6
      if (after === category.l || after === category.v || after === category.lv || after === category.lvt) return false;
      break;
    case category.lv: // GB7
    case category.v:
      if (after === category.v || after === category.t) return false;
      break;
    case category.lvt: // GB8
    case category.t:
      if (after === category.t) return false;
      break;
  }
  if (after === category.extend || after === category.zwj || after === category.spacingMark) return false; // GB9, GB9a
  if (before === category.prepend) return false; // GB9b
  if (after === category.conjunctConsonant) return !conjunct; // GB9c
  if (before === category.zwj && after === category.pictographic) return !joined; // GB11
  if (before === category.regional && after === category.regional) return regionals % 2 === 0; // GB12, GB13
  return true;
}
