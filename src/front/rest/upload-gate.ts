/** Lets so many uploads go on at once: each is held in memory until it has been looked at. */
import { Refusal } from './refusal.ts'

const mostUploads = 4

export class UploadGate {
  #open = 0

  async through<T>(receive: () => Promise<T>): Promise<T> {
    if (this.#open >= mostUploads) throw new Refusal(503, `${mostUploads} uploads are under way; try again when one of them has ended.`)
    this.#open++
    try {
      return await receive()
    } finally {
      this.#open--
    }
  }
}
