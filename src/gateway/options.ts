export interface GatewayOptions {
  host: string
  /** 0: any free port. */
  port: number
  /** A request's body. */
  bodyBytesMax: number
  /** A record's key and value together; through Kinesis doors its value alone, to which a key of 1 KiB may come. */
  recordBytesMax: number
  /** What all requests under way hold in memory together; beyond it requests are put off with 503. */
  inFlightBytesMax: number
  /** Connections at a time, as far as the process may open as many files; beyond it requests are put off with 503. */
  connectionsMax: number
  /** Names that may stand as a first segment before any path, as the stages of an API Gateway do. */
  stages: readonly string[]
  /** Whether Kafka doors make a topic on the first record for it. */
  autoCreateTopics: boolean
  region: string
  accountId: string
}

export const gatewayDefaults: GatewayOptions = {
  host: '127.0.0.1',
  port: 8082,
  bodyBytesMax: 16 * 2 ** 20,
  recordBytesMax: 2 ** 20,
  inFlightBytesMax: 32 * 2 ** 20,
  connectionsMax: 10_000,
  stages: ['dev', 'test', 'prod'],
  autoCreateTopics: true,
  region: 'us-east-1',
  accountId: '000000000000',
}
