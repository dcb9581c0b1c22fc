/** One row of the fault matrix: a fault, what is promised, and how both are tried. Ids are those of the reliability page. */
import type { LineBench, MilvusLogin } from './line-bench.ts';
import type { MilvusServer } from './milvus-server.ts';
import type { Length, Outcome } from './outage.ts';

export interface Stage extends Length {
  /** A line of the row's own, closed after it. */
  bench(): Promise<LineBench>;
  milvus: MilvusLogin;
  /** Set for rows that are `exclusive`: the server itself, to be killed. */
  milvusServer?: MilvusServer;
}

export interface MatrixRow {
  id: string;
  fault: string;
  promise: string;
  /** Kills or freezes the shared Milvus: nothing else may run beside it. */
  exclusive?: true;
  /** Its short form is one of `npm test`. */
  short?: true;
  /** Throws when the promise is broken. */
  run(stage: Stage): Promise<Outcome>;
}
