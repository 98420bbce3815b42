import { catalogue } from '../lib/catalogue.svelte.ts';
import { pick, t } from '../lib/i18n.svelte.ts';
import type { Alert } from './alerts.ts';
import { units } from './units.svelte.ts';

/** What an alert is about, as people say it. */
export function placeName(alert: Alert): string {
  if (alert.place_kind === 'unit') return units.name(alert.place_key);
  const layer = catalogue.get(alert.place_layer);
  const kind = layer === undefined ? t(`place.${alert.place_kind}`) : pick(layer.title);
  return `${kind} ${alert.place_key}`;
}
