export { textOrBase64, withoutBytes } from '../../core/index.ts'
