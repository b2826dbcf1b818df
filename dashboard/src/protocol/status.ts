/** What programs say about themselves on `status/{PROGRAM}/{INSTANCE}`. */
import { cleanText } from './quote';

export interface ProgramStatus {
  program: string;
  instance: string;
  online: boolean;
  /** publisher: starting | live | waiting | fault | failed | ended */
  condition?: string;
  /** publisher: a sentence for people */
  detail?: string;
  feed?: string;
  symbols?: number;
  /** gateway: has it lost the broker? */
  upstream?: 'up' | 'down';
}

const TEXT_MAX = 200;

/** undefined when the payload says nothing that can be understood (an empty one takes a status back). */
export function parseStatus(program: string, instance: string, text: string): ProgramStatus | undefined {
  let json: Record<string, unknown>;
  try {
    json = JSON.parse(text) as Record<string, unknown>;
  } catch {
    return undefined;
  }
  if (typeof json !== 'object' || json === null) return undefined;
  if (json['state'] !== 'online' && json['state'] !== 'offline') return undefined;

  const status: ProgramStatus = { program, instance, online: json['state'] === 'online' };
  const words = (key: string) =>
    typeof json[key] === 'string' ? cleanText(json[key] as string).slice(0, TEXT_MAX) : '';
  if (words('condition')) status.condition = words('condition');
  if (words('detail')) status.detail = words('detail');
  if (words('feed')) status.feed = words('feed');
  if (typeof json['symbols'] === 'number') status.symbols = json['symbols'];
  if (json['upstream'] === 'up' || json['upstream'] === 'down') status.upstream = json['upstream'];
  return status;
}
