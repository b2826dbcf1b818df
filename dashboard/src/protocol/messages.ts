/** What the page and its worker say to each other. */
import type { Delay } from './delays';
import type { Fault } from './faults';
import type { Slice } from './merge';
import type { ProgramStatus } from './status';

export type Link =
  | { phase: 'connecting'; attempt: number }
  /** `isAfresh`: a new session in place of one that was too far behind; there was no gap */
  | { phase: 'connected'; isAfresh: boolean }
  /** `retryInMs` counts from the moment of the message; `attempt` = tries that failed since the last success */
  | { phase: 'down'; attempt: number; retryInMs: number; reason: string; needsToken?: boolean };

/** Counts since the worker began. */
export interface Totals {
  messages: number;
  bytes: number;
  /** quotes among them */
  quotes: number;
  /** quotes that were replaced by a newer one before the page saw them */
  merged: number;
  /** messages or fields that could not be used */
  faults: number;
}

export type FromWorker =
  | { type: 'link'; link: Link }
  | { type: 'batch'; slices: Slice[]; quotesSoFar: number }
  /** `delay`: age on arrival of the quotes of the last half second, undefined without any; `faults`: when they are others than the last time */
  | { type: 'totals'; totals: Totals; perSecond: number; delay: Delay | undefined; faults: Fault[] | undefined }
  | { type: 'status'; status: ProgramStatus };

export type Wanted = { all: true } | { all: false; symbols: string[] };

export type ToWorker =
  | { type: 'open'; url: string; token: string }
  /** another token, to be tried at once */
  | { type: 'token'; token: string }
  | { type: 'want'; wanted: Wanted }
  | { type: 'retry' }
  /** the page has taken the last batch: the next may come */
  | { type: 'taken' };

/** The page's view of any source of quotes; the worker is one, a test's stand-in another. */
export interface Feed {
  want(wanted: Wanted): void;
  retry(): void;
  /** The last batch has been taken: the next may come. */
  taken(): void;
  listen(onMessage: (message: FromWorker) => void): void;
}
