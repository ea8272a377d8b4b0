/** What the runs on a node have in common. */

import type { RunEvent } from "../core/events.ts";
import type { Logger } from "../core/logger.ts";
import type { Permissions } from "../core/permissions.ts";
import type { PortRange } from "../core/port_range.ts";
import type { Resources } from "../core/resources.ts";
import type { Enforcement } from "../host/enforcement.ts";
import type { ProgramUser } from "../host/program_user.ts";
import type { Credential } from "../net/credential.ts";
import type { LivenessOptions } from "../net/liveness.ts";
import type { Store } from "../store/store.ts";

/** The node, as the runs that it hosts see it. */
export interface NodeContext {
  /** The host that the node and its processes bind. */
  readonly host: string;
  /** The IP address that this is. @default the host */
  readonly ip?: string;
  /** Its address; also distinguishes it from other nodes that share its store. */
  readonly address: string;
  readonly port: number;
  /** What the node lends where its master does not say. */
  readonly machine: Readonly<Resources>;
  readonly credential: Credential;
  readonly store: Store;
  /** @default LOCAL_NETWORK */
  readonly liveness?: LivenessOptions;
  readonly logger: Logger;
  /** How many booted processes of a run may wait to be spawned. */
  readonly maxSpares: number;
  /** The ports that processes may listen on. @default any */
  readonly ports?: PortRange | undefined;
  /** What holds processes to what they ask for. @default nothing */
  readonly enforcement?: Enforcement | undefined;
  /** What programs may do at most. @default everything */
  readonly cap?: Permissions | undefined;
  /** The user that programs run as, for whom the store has folders. @default that of this process */
  readonly user?: ProgramUser | undefined;
  /** How many bytes the files of each run may take here. @default any number */
  readonly mostRunBytes?: number | undefined;
  /** How many bytes the files of all runs of each person may take here. @default any number */
  readonly mostPersonBytes?: number | undefined;
  /** Called at each event of a process. */
  readonly report?: (run: string, event: RunEvent) => void;
}
