/**
 * One honest word for "can I trust these prices now?". A pure function of facts, so that a test can
 * set the clock. Only `live` shows prices at full strength.
 */
import type { Link } from '../protocol/messages';
import type { ProgramStatus } from '../protocol/status';
import { formatAge } from './format';

export type Phase = 'connecting' | 'waiting' | 'live' | 'closed' | 'stale' | 'feed-down' | 'disconnected' | 'paused';

export interface Facts {
  /** page clock, ms */
  now: number;
  link: Link;
  /** page clock of the link's last change */
  linkAt: number;
  wasConnected: boolean;
  /** page clock of the last live tick; 0 = none */
  tickAt: number;
  gapMs: number;
  /** page clock of the last quote that was old when it came, and how old; 0 = none */
  lateTickAt: number;
  lateByMs: number;
  /** nothing trades now, by the hours of the market that the prices are of */
  closed: boolean;
  programs: readonly SeenStatus[];
  paused: boolean;
  knownSymbols: number;
}

export interface SeenStatus extends ProgramStatus {
  /** page clock of its arrival */
  at: number;
}

export interface State {
  phase: Phase;
  label: string;
  /** one sentence for a person */
  detail: string;
  /** ms until the next try, while disconnected and waiting for it */
  retryInMs?: number;
  /** failed tries since the last good connection */
  attempt?: number;
}

const STALE_MIN_MS = 5_000;
const STALE_GAPS = 5;
/** A tick and the publisher's will may come in either order within this time. */
const WILL_SLACK_MS = 500;

export function staleAfterMs(gapMs: number): number {
  return Math.max(STALE_MIN_MS, gapMs * STALE_GAPS);
}

export function stateOf(facts: Facts): State {
  return linkState(facts) ?? (facts.paused ? pausedState : (feedState(facts) ?? tickState(facts)));
}

const pausedState: State = { phase: 'paused', label: 'Paused', detail: 'Prices are held. Press Space to go on.' };

function linkState({ link, linkAt, now, wasConnected }: Facts): State | undefined {
  if (link.phase === 'connected') return undefined;
  if (link.phase === 'connecting') {
    if (!wasConnected && link.attempt === 0)
      return { phase: 'connecting', label: 'Connecting', detail: 'Connecting to the gateway.' };
    return { phase: 'disconnected', label: 'Disconnected', detail: 'Reconnecting now.', attempt: link.attempt };
  }
  return {
    phase: 'disconnected',
    label: 'Disconnected',
    detail: wasConnected ? 'The connection to the gateway was lost.' : 'The gateway cannot be reached.',
    retryInMs: Math.max(0, link.retryInMs - (now - linkAt)),
    attempt: link.attempt,
  };
}

function feedState({ programs, tickAt }: Facts): State | undefined {
  const cutOff = programs.find((p) => p.program === 'gateway' && p.online && p.upstream === 'down');
  if (cutOff && tickAt <= cutOff.at + WILL_SLACK_MS)
    return { phase: 'feed-down', label: 'Broker down', detail: 'The gateway has lost the broker; it keeps trying.' };

  const publishers = programs.filter((p) => p.program === 'publisher');
  if (publishers.length === 0 || publishers.some((p) => p.online)) return undefined;
  const latest = publishers.reduce((a, b) => (b.at > a.at ? b : a));
  if (tickAt > latest.at + WILL_SLACK_MS) return undefined; // somebody else publishes
  if (latest.condition === 'ended')
    return { phase: 'feed-down', label: 'Feed ended', detail: latest.detail ?? 'The publisher has played everything.' };
  return { phase: 'feed-down', label: 'Feed down', detail: sentence('The publisher is offline', latest.detail) };
}

const closedState: State = { phase: 'closed', label: 'Closed', detail: 'The market is closed. These are its last prices.' };

function tickState({ now, linkAt, tickAt, gapMs, lateTickAt, lateByMs, closed, programs, knownSymbols }: Facts): State {
  const publisher = programs.find((p) => p.program === 'publisher' && p.online && p.condition !== 'live');
  const isSilent = tickAt < linkAt || now - tickAt > staleAfterMs(gapMs);
  if (closed && knownSymbols > 0 && isSilent) return closedState;
  if (lateTickAt >= linkAt && lateTickAt > 0 && isSilent && now - lateTickAt <= staleAfterMs(gapMs))
    return { phase: 'stale', label: 'Delayed', detail: `Quotes come in, but ${formatAge(lateByMs)} after they were made: a delayed feed, or a clock that is wrong.` };
  if (tickAt < linkAt) {
    if (publisher) return { phase: 'waiting', label: 'Waiting', detail: sentence('Waiting for the feed', publisher.detail) };
    return knownSymbols > 0
      ? { phase: 'waiting', label: 'Waiting', detail: 'Connected. These are the last known prices; no new tick has come yet.' }
      : { phase: 'waiting', label: 'Waiting', detail: 'Connected. No price has come yet.' };
  }
  if (isSilent)
    return { phase: 'stale', label: 'Stale', detail: sentence('No tick for longer than usual', publisher?.detail) };
  return { phase: 'live', label: 'Live', detail: 'Prices are coming in.' };
}

function sentence(start: string, detail: string | undefined): string {
  return detail ? `${start}: ${detail}` : `${start}.`;
}
