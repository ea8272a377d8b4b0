// A module that is its own worker.

if ("WorkerGlobalScope" in globalThis) {
  const { main, filename } = import.meta;
  (globalThis as unknown as { postMessage(message: unknown): void }).postMessage([
    main,
    filename!.split("/").at(-1),
  ]);
}

export async function startOwnWorker(): Promise<unknown[]> {
  const worker = new Worker(import.meta.url, { type: "module" });
  const answer = await new Promise<unknown[]>((resolve) => {
    worker.onmessage = ({ data }) => resolve(data);
  });
  worker.terminate();
  return answer;
}
