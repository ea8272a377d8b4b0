/** The page: its header, and one view at a time. */

import { phaseOf } from "../../core/run_entry.ts";
import { runPath } from "../model/route.ts";
import { connectionState } from "../model/texts.ts";
import { ClusterView } from "./cluster_view.tsx";
import { KillDialog } from "./kill_dialog.tsx";
import { effect, render, type VNode } from "./packages.ts";
import { ProcessPage } from "./process_page.tsx";
import { RunPage } from "./run_page.tsx";
import { startSocket } from "./socket.ts";
import {
  answer,
  cluster,
  connection,
  currentModel,
  followLinks,
  problem,
  route,
  startClock,
  title,
} from "./state.ts";

function App(): VNode {
  const at = route.value;
  return (
    <>
      <a class="skip" href="#main">Skip to content</a>
      <Header />
      <Notices />
      <main id="main" tabIndex={-1}>
        {at.view === "cluster"
          ? <ClusterView />
          : at.view === "process"
          ? <ProcessPage run={at.run} pid={at.pid} />
          : <RunPage run={at.run} view={at.view} />}
      </main>
      <KillDialog />
    </>
  );
}

function titleOf(): string {
  const at = route.value;
  if (at.view === "cluster") return `${title.value} · deploy`;
  const name = cluster.value?.runs.find(({ id }) => id === at.run)?.name ?? at.run;
  if (at.view !== "process") return `${name} · deploy`;
  return `${currentModel().find(at.pid)?.name ?? at.pid} · ${name} · deploy`;
}

function Header(): VNode {
  const at = route.value;
  const { state, text } = connectionState(connection.value, problem.value);
  const running = cluster.value?.runs.filter((run) => phaseOf(run) !== "ended").length;
  return (
    <header class="top">
      <nav aria-label="Where you are">
        <a class="brand" href="/">
          <img src="/icon.svg" alt="" width="22" height="22" />deploy
        </a>
        <ol>
          <li>
            <a href="/" aria-current={at.view === "cluster" ? "page" : undefined}>
              {title.value || "…"}
            </a>
          </li>
          {at.view !== "cluster" && (
            <li>
              <a
                href={runPath(at.run)}
                aria-current={at.view === "process" ? undefined : "page"}
              >
                {at.run}
              </a>
            </li>
          )}
          {at.view === "process" && (
            <li>
              <span aria-current="page">{at.pid}</span>
            </li>
          )}
        </ol>
      </nav>
      <p class={`connection ${state}`} role="status">
        {running !== undefined && state === "open" && running > 0 && (
          <span class="quiet">{running} running</span>
        )}
        <span class="dot" aria-hidden="true" />
        {text}
      </p>
    </header>
  );
}

/** What is wrong, and what has come of a request. */
function Notices(): VNode {
  return (
    <div class="notices" aria-live="polite">
      {connection.value === "lost" && (
        <p class="notice bad">
          No connection to{" "}
          <code>deploy dashboard</code>. If it has ended, start it again; what is shown here is from
          before.
        </p>
      )}
      {problem.value !== null && connection.value === "open" && (
        <p class="notice bad">{problem.value}</p>
      )}
      {answer.value !== null && (
        <p class={answer.value.failed ? "notice bad" : "notice"}>
          {answer.value.text}
          <button type="button" class="plain" onClick={() => answer.value = null}>Dismiss</button>
        </p>
      )}
    </div>
  );
}

followLinks();
startClock();
startSocket();
// Also when the names that it shows come after the address.
effect(() => {
  document.title = titleOf();
});
render(<App />, document.getElementById("page")!);
