import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '../..')
const documents = globSync(['*.md', 'docs/**/*.md'], { cwd: root }).sort()

/** A heading as a link names it. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-')
}

function isThere(document: string, link: string): boolean {
  const [path = '', anchor] = link.split('#')
  const target = path === '' ? join(root, document) : join(root, dirname(document), path)
  if (!existsSync(target)) return false
  if (anchor === undefined) return true
  const headings = readFileSync(target, 'utf8').matchAll(/^#+ (.*)$/gm)
  return [...headings].some(([, heading = '']) => anchorOf(heading) === anchor)
}

test('every link of a document leads somewhere', () => {
  expect(documents).toContain('README.md')
  const dead = documents.flatMap((document) => {
    const links = readFileSync(join(root, document), 'utf8').matchAll(/\]\(([^)\s]+)\)/g)
    return [...links]
      .map(([, link = '']) => link)
      .filter((link) => !/^https?:/.test(link) && !isThere(document, link))
      .map((link) => `${document}: ${link}`)
  })
  expect(dead).toEqual([])
})

test('files of the code that a document names are there', () => {
  const gone = documents.flatMap((document) => {
    const names = readFileSync(join(root, document), 'utf8').matchAll(
      /`((?:src|test|scripts|pipelines)\/[\w./-]+)`/g,
    )
    return [...names]
      .map(([, name = '']) => name)
      .filter((name) => !existsSync(join(root, name)))
      .map((name) => `${document}: ${name}`)
  })
  expect(gone).toEqual([])
})
