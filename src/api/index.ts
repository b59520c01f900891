export type {
  Context,
  OperationName,
  ParametersOf,
  ResultOf,
} from './operations/index.ts'
export { type Api, type ApiOptions, runOperation, serveApi } from './server.ts'
