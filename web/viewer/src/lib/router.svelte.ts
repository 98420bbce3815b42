import { ROOT } from './env.ts';

/** The address of the view: a path below the service's own, and its parameters. */
class Router {
  path = $state(typeof location === 'undefined' ? '/map' : pathOf(location.pathname));
  params = $state.raw(new URLSearchParams(typeof location === 'undefined' ? '' : location.search));
  /** Rises whenever the address changed by the browser's own back and forward. */
  travelled = $state(0);

  constructor() {
    if (typeof window === 'undefined') return;
    window.addEventListener('popstate', () => {
      this.#take();
      this.travelled += 1;
    });
  }

  /** Goes to a view, as a step that Back undoes. */
  go(path: string, params: URLSearchParams = new URLSearchParams()): void {
    history.pushState(null, '', addressOf(path, params));
    this.#take();
    this.travelled += 1;
  }

  /** Writes the state of the same view into its address: as a step of its own, or in place. */
  write(params: URLSearchParams, isStep: boolean): void {
    const address = addressOf(this.path, params);
    if (address === `${location.pathname}${location.search}`) return;
    if (isStep) history.pushState(null, '', address);
    else history.replaceState(null, '', address);
    this.params = params;
  }

  #take(): void {
    this.path = pathOf(location.pathname);
    this.params = new URLSearchParams(location.search);
  }
}

function pathOf(pathname: string): string {
  return (pathname.startsWith(ROOT) ? pathname.slice(ROOT.length) : pathname).replace(/\/$/, '') || '/';
}

/** Path and parameters as one address; commas and colons stay readable. */
export function addressOf(path: string, params: URLSearchParams): string {
  const query = params.toString().replaceAll('%2C', ',').replaceAll('%3A', ':');
  return `${ROOT}${path}${query === '' ? '' : `?${query}`}`;
}

export const router = new Router();
