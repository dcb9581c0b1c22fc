/** Plain text: paragraphs parted by blank lines; more blank lines, or a form feed, make a stronger boundary. */
import { type Block, type Outline, strength } from './outline.ts';

const blank = /\S/;

export function textOutline(source: string): Outline {
  const blocks: Block[] = [];
  let blankLines = 1;
  let formFeed = false;
  for (let start = 0; start < source.length; ) {
    const feed = source.indexOf('\n', start);
    const end = feed < 0 ? source.length : feed + 1;
    const line = source.slice(start, end);
    if (blank.test(line)) {
      if (blankLines > 0 || formFeed || line.startsWith('\f')) {
        const strong = blankLines > 1 || formFeed || line.startsWith('\f');
        blocks.push({
          kind: 'prose',
          start,
          before: strong ? strength.block : strength.paragraph,
          path: [],
          repeat: '',
        });
      }
      blankLines = 0;
      formFeed = false;
    } else {
      blankLines++;
      if (line.includes('\f')) formFeed = true;
    }
    start = end;
  }
  return { source, blocks };
}
