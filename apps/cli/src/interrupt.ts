/** The first SIGINT or SIGTERM asks to stop; the second leaves at once. Both leave work resumable. */
export function onInterrupt(leave: (code: number) => void = (code) => process.exit(code)): AbortSignal {
  const stopping = new AbortController();
  const handle = (signal: NodeJS.Signals): void => {
    if (stopping.signal.aborted) leave(signal === 'SIGTERM' ? 143 : 130);
    stopping.abort(signal);
  };
  process.on('SIGINT', handle);
  process.on('SIGTERM', handle);
  return stopping.signal;
}
