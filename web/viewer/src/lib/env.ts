/** What the shell page tells the program about where it stands. */
const data = typeof document === 'undefined' ? {} : document.documentElement.dataset;

/** Path of the service on its host, without a final slash. */
export const ROOT: string = data['root'] ?? '';

/** Optional base map from outside, as the administrator configured it. */
export const BASE_MAP_URL: string | undefined = data['basemap'] || undefined;
export const BASE_MAP_CREDIT: string | undefined = data['basemapCredit'] || undefined;

/** Address of a path of the service on the host that the page came from. */
export function href(path: string): string {
  return `${ROOT}${path}`;
}

/** The same, absolute, as map sources need it. */
export function absolute(path: string): string {
  return `${location.origin}${ROOT}${path}`;
}
