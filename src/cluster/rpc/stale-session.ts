/**
 * How a server refuses a link that was meant for another leader.
 */
import { StreamError } from '../../base/core/stream-error.ts'

/** `server`: ResourceManager, JobMaster. */
export const staleSession = (server: string): StreamError =>
  new StreamError('PEER_REFUSED', `This ${server} is not the leader that the connection was meant for`, {
    hint: 'The client looks for the new leader by itself.',
  })
