import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

export interface Answer {
  status: number
  /** Head as it came, in lower case. */
  head: string
  body: string
}

/** One HTTP connection, over which one request at a time goes; as little work for each as can be. */
export class Client {
  readonly socket: Socket
  readonly #host: string
  #received: Buffer[] = []
  #waiting: { resolve(answer: Answer): void; reject(error: Error): void } | undefined
  #bytes = 0
  #wanted = 0
  #failure: Error | undefined

  private constructor(socket: Socket, host: string) {
    this.socket = socket
    this.#host = host
    socket.on('data', (chunk: Buffer) => this.#take(chunk))
    socket.on('error', (error) => this.#fail(error))
    socket.on('close', () => this.#fail(new Error('the connection was closed')))
  }

  static async open(url: string): Promise<Client> {
    const { hostname, port, host } = new URL(url)
    const socket = connect({ host: hostname, port: Number(port), noDelay: true })
    await once(socket, 'connect')
    return new Client(socket, host)
  }

  get broken(): boolean {
    return this.#failure !== undefined
  }

  /** @throws when the connection ends before the answer */
  send(method: string, path: string, type: string, body: string | Buffer): Promise<Answer> {
    if (this.#failure) return Promise.reject(this.#failure)
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject }
      this.socket.cork()
      this.socket.write(this.head(method, path, type, Buffer.byteLength(body)))
      this.socket.write(body)
      this.socket.uncork()
    })
  }

  /** What goes before a body. */
  head(method: string, path: string, type: string, bytes: number): string {
    return `${method} ${path} HTTP/1.1\r\nHost: ${this.#host}\r\nContent-Type: ${type}\r\nContent-Length: ${bytes}\r\n\r\n`
  }

  close(): void {
    this.socket.destroy()
  }

  #take(chunk: Buffer): void {
    this.#received.push(chunk)
    this.#bytes += chunk.length
    if (this.#bytes < this.#wanted) return
    const all = Buffer.concat(this.#received)
    this.#received = [all]
    const end = all.indexOf('\r\n\r\n')
    if (end < 0) return
    const head = all.toString('latin1', 0, end).toLowerCase()
    const length = Number(/\r\ncontent-length: (\d+)/.exec(head)?.[1] ?? 0)
    this.#wanted = end + 4 + length
    if (all.length < this.#wanted) return
    this.#received = []
    this.#bytes = 0
    this.#wanted = 0
    const waiting = this.#waiting
    this.#waiting = undefined
    if (/\r\nconnection: close/.test(head)) this.#failure = new Error('the server closed the connection')
    waiting?.resolve({ status: Number(head.slice(9, 12)), head, body: all.toString('utf8', end + 4) })
  }

  #fail(error: Error): void {
    this.#failure ??= error
    this.#waiting?.reject(this.#failure)
    this.#waiting = undefined
  }
}
