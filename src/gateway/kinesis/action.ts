import type { GatewayContext } from '../context.ts'
import type { InputOf, Structure, Values } from './shape.ts'
import { validate } from './validate.ts'

/** What an action answers: a JSON object (none: an empty body), and headers. */
export interface ActionResult {
  output?: object
  headers?: Record<string, string>
}

type Run<Input> = (input: Input, context: GatewayContext) => ActionResult | Promise<ActionResult>

export interface Action {
  readonly input: Structure
  readonly run: Run<Values>
}

export function defineAction<const S extends Structure>(input: S, run: Run<InputOf<S['members']>>): Action {
  // The values that reach `run` have been validated against `input`.
  return { input, run: run as Run<Values> }
}

/** Validate the input of an action and carry it out. @throws a Refusal in AWS's words; operational errors */
export async function perform(action: Action, input: Values, context: GatewayContext): Promise<ActionResult> {
  validate(input, action.input, context.options.recordBytesMax)
  return action.run(input, context)
}
