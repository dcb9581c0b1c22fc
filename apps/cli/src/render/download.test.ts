import { Writable } from 'node:stream';
import { expect, it } from 'vitest';
import { createDownloadDisplay } from './download.ts';

function captured(): { stream: NodeJS.WriteStream; lines: () => string[] } {
  let text = '';
  const stream = new Writable({
    write(piece: Buffer, _encoding, done) {
      text += piece.toString();
      done();
    },
  });
  return { stream: stream as unknown as NodeJS.WriteStream, lines: () => text.split('\n').filter(Boolean) };
}

it('says what begins and, every 30 seconds, how far it is; never a line a piece', () => {
  const { stream, lines } = captured();
  let nowMs = 0;
  const display = createDownloadDisplay(stream, () => nowMs);
  const data = (bytes: number) => display.show({ file: 'onnx/model.onnx_data', bytes, totalBytes: 2_290_000_000 });
  data(0);
  for (let i = 1; i <= 100; i++) data(i * 1_000_000);
  nowMs = 30_000;
  data(1_145_000_000);
  display.show({ file: 'tokenizer.json', bytes: 0, totalBytes: 17_082_730 });
  expect(lines()).toEqual([
    'downloading onnx/model.onnx_data: 0 B of 2.3 GB',
    'downloading onnx/model.onnx_data: 1.1 GB of 2.3 GB',
    'downloading tokenizer.json: 0 B of 17.1 MB',
  ]);
});
