/** Shapes of the input of Kinesis actions: types, constraints, and the values they stand for. */

export type Shape =
  | { type: 'String'; pattern?: string; lengthMin?: number; lengthMax?: number; oneOf?: readonly string[] }
  | { type: 'Integer'; min?: number; max?: number }
  /** Its largest length is the server's limit for a record. */
  | { type: 'Blob' }
  | { type: 'List'; of: Shape; lengthMin?: number; lengthMax?: number }
  | Structure

export interface Structure {
  type: 'Structure'
  /** How AWS prints one in a message. */
  className?: string
  /** In the order in which AWS reports what is wrong with them. */
  members: Readonly<Record<string, Member>>
}

export type Member = Shape & { required?: true }

export type Value = string | number | Buffer | readonly Value[] | Values

/** Members by name; one that was not sent, or null, is absent. */
export interface Values {
  readonly [name: string]: Value | undefined
}

type ValueOf<S> = S extends { type: 'String' }
  ? string
  : S extends { type: 'Integer' }
    ? number
    : S extends { type: 'Blob' }
      ? Buffer
      : S extends { type: 'List'; of: infer Of }
        ? readonly ValueOf<Of>[]
        : S extends { members: infer Members }
          ? InputOf<Members>
          : never

type RequiredNames<Members> = {
  [Name in keyof Members]: Members[Name] extends { required: true } ? Name : never
}[keyof Members]

/** The value of a structure with these members, once it is validated. */
export type InputOf<Members> = {
  readonly [Name in RequiredNames<Members>]: ValueOf<Members[Name]>
} & {
  readonly [Name in Exclude<keyof Members, RequiredNames<Members>>]?: ValueOf<Members[Name]>
}

export const streamName = {
  type: 'String',
  pattern: '[a-zA-Z0-9_.-]+',
  lengthMin: 1,
  lengthMax: 128,
} as const satisfies Shape

export const streamArn = {
  type: 'String',
  pattern: 'arn:aws.*:kinesis:.*:\\d{12}:stream/\\S+',
  lengthMin: 1,
  lengthMax: 2048,
} as const satisfies Shape

export const partitionKey = { type: 'String', lengthMin: 1, lengthMax: 256 } as const satisfies Shape

export const hashKey = { type: 'String', pattern: '0|([1-9]\\d{0,38})' } as const satisfies Shape

export const sequenceNumber = { type: 'String', pattern: '0|([1-9]\\d{0,128})' } as const satisfies Shape
