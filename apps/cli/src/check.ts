/** One line of `sluice doctor`. */
export interface Check {
  part: 'node' | 'redis' | 'milvus' | 'engine' | 'queries' | 'line' | 'embedded';
  name: string;
  status: 'ok' | 'warn' | 'fail';
  detail: string;
  fix?: string;
  /** The dependency is down: running again later may be all that is needed. */
  down?: true;
}
