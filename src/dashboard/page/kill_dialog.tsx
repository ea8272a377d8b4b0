/** Asks before something is ended. */

import { shortPid } from "../../core/pid.ts";
import { useEffect, useRef, type VNode } from "./packages.ts";
import { kill } from "./socket.ts";
import { killTarget } from "./state.ts";

export function KillDialog(): VNode {
  const dialog = useRef<HTMLDialogElement>(null);
  const target = killTarget.value;
  useEffect(() => {
    if (target !== null) dialog.current?.showModal();
    else dialog.current?.close();
  }, [target]);
  const end = (atOnce: boolean) => {
    if (target !== null) kill(target.run, target.pid, atOnce);
    killTarget.value = null;
  };
  return (
    <dialog ref={dialog} aria-labelledby="kill-title" onClose={() => killTarget.value = null}>
      {target !== null && (
        <>
          <h2 id="kill-title">
            {target.pid === null
              ? `Stop ${target.name}?`
              : `Stop ${shortPid(target.pid)} ${target.name}?`}
          </h2>
          <p>
            {target.pid === null
              ? `Its ${target.running} process${
                target.running === 1 ? " is" : "es are"
              } told to stop`
              : "It is told to stop"}, by SIGTERM, and killed after 3 s. This cannot be undone.
          </p>
          <div class="buttons">
            <button type="button" autofocus onClick={() => killTarget.value = null}>Cancel</button>
            <button type="button" class="danger plain" onClick={() => end(true)}>
              Kill at once
            </button>
            <button type="button" class="danger" onClick={() => end(false)}>Stop</button>
          </div>
        </>
      )}
    </dialog>
  );
}
