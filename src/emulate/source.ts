/** One turn: at most one record of each dataset, in the order in which they are sent. */
export interface Post {
  /** Counted from 0; even posts go through Kafka REST, odd ones through API Gateway. */
  post: number
  /** JSON text, as it is to be posted. */
  records: readonly { dataset: string; json: string | Buffer }[]
}

/**
 * Posts in order, made or read as they are asked for. What a source holds open is freed when its reader leaves.
 *
 * @throws SOURCE_UNREADABLE while it is read
 */
export type Source = AsyncIterable<Post>
