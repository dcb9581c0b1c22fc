/** Does something again and again, never twice at a time; what it throws goes to `onError`. Returns how to stop it. */
export function every(ms: number, act: () => Promise<void>, onError: (error: unknown) => void): () => void {
  let busy = false;
  const timer = setInterval(() => {
    if (busy) return;
    busy = true;
    act()
      .catch(onError)
      .finally(() => {
        busy = false;
      });
  }, ms);
  return () => clearInterval(timer);
}
