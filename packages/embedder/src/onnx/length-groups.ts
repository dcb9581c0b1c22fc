/** Which texts run together: alike lengths, longest × rows within a budget. */

/**
 * Indices of the rows, longest first, in groups whose longest × rows is at most `maxPaddedTokens`; a longer row is a group of
 * its own. A group is also closed when padding would be more than a fifth of it.
 */
export function lengthGroups(rows: readonly { length: number }[], maxPaddedTokens: number): number[][] {
  const order = rows.map((_, row) => row).toSorted((a, b) => rows[b]!.length - rows[a]!.length);
  const groups: number[][] = [];
  let useful = 0;
  for (const row of order) {
    const { length } = rows[row]!;
    const group = groups.at(-1);
    const padded = group === undefined ? 0 : rows[group[0]!]!.length * (group.length + 1);
    if (group !== undefined && padded <= maxPaddedTokens && padded - useful - length <= padded / 5) {
      group.push(row);
      useful += length;
    } else {
      groups.push([row]);
      useful = length;
    }
  }
  return groups;
}
