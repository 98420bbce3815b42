import { getJson } from './api.ts';

export interface Photo {
  readonly id: string;
  readonly purpose: 'sent' | 'result';
  readonly width: number;
  readonly height: number;
  readonly added_by: string;
  readonly added_at: string;
}

/** What photos are of; a report is named by its number. */
export type About = 'report' | 'alert' | 'task';

export const PHOTO_TYPES = 'image/jpeg,image/png,image/webp';

/** Sends photos of what was done; nothing where none are chosen. */
export async function sendPhotos(about: About, id: string | number, files: FileList | undefined): Promise<void> {
  if (files === undefined || files.length === 0) return;
  const body = new FormData();
  body.set('about', about);
  body.set('id', String(id));
  for (const file of files) body.append('photo', file);
  await getJson('/api/photos', { method: 'POST', body });
}
