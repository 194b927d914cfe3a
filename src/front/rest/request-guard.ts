/**
 * Which requests are refused whatever they ask. REST has no passwords, so a web page of somebody else's, open in a browser that reaches
 * this server, must not be able to change anything here (Origin, Sec-Fetch-Site), nor to read it under a name of its own (Host). Pure.
 */
import { isIP } from 'node:net'
import { Refusal } from './refusal.ts'

export interface GuardedRequest {
  readonly method: string
  readonly path: string
  readonly headers: { readonly host?: string; readonly origin?: string; readonly 'sec-fetch-site'?: string | readonly string[] }
}

/** GETs that change something: the old dashboard's. */
const changingGets = /\/yarn-(cancel|stop)\/?$/

const isChange = ({ method, path }: GuardedRequest): boolean =>
  method === 'GET' ? changingGets.test(path) : method !== 'HEAD' && method !== 'OPTIONS'

/** `hostNames`: the names under which this server may be asked for, beside addresses and localhost. Undefined: let through. */
export function refused(request: GuardedRequest, hostNames: ReadonlySet<string>): Refusal | undefined {
  const { host, origin, 'sec-fetch-site': site } = request.headers
  const name = host === undefined ? undefined : hostNameOf(host)
  if (name !== undefined && isIP(name) === 0 && name !== 'localhost' && !name.endsWith('.localhost') && !hostNames.has(name))
    return new Refusal(403, `This server is not called '${name}'. Set rest.address to the name that clients use.`)
  if (!isChange(request)) return undefined
  if (site === 'cross-site') return new Refusal(403, 'A page of another site may not change anything here (Sec-Fetch-Site: cross-site).')
  if (origin !== undefined && !isSameHost(origin, host))
    return new Refusal(403, `A page from ${origin} may not change anything at ${host ?? 'this server'}: its Origin is another host.`)
  return undefined
}

/** `[::1]:8081` is `::1`. */
function hostNameOf(host: string): string {
  const bracketed = /^\[([^\]]*)\](?::\d+)?$/.exec(host)
  return (bracketed?.[1] ?? host.replace(/:\d*$/, '')).toLowerCase()
}

function isSameHost(origin: string, host: string | undefined): boolean {
  return URL.canParse(origin) && host !== undefined && new URL(origin).host === host.toLowerCase()
}
