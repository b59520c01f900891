const token = "[!#$%&'*+.^_`|~0-9A-Za-z-]+"
const mediaTypeForm = new RegExp(`^(${token}/${token})(?: *; *charset="?utf-?8"?)?$`, 'i')

/**
 * The media type of a Content-Type header, in lower case: `type/subtype`, alone or with `charset=utf-8`.
 * Undefined for anything else, so that no two readers can take it for different types.
 */
export function mediaType(header: string): string | undefined {
  return mediaTypeForm.exec(header)?.[1]?.toLowerCase()
}
