import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parsePlanDocuments } from '@dankai/plan'
import fc from 'fast-check'
import { textsOfDocuments } from './document-text.ts'
import { diffLines } from './line-diff.ts'

const lines = fc
  .array(fc.constantFrom('a', 'b', 'c', 'd', ''), { minLength: 1, maxLength: 12 })
  .map(list => `${list.join('\n')}\n`)

describe('a difference by lines', () => {
  it('shows what is gone, what is new and three lines around', () => {
    const before = ['1', '2', '3', '4', '5', '6', '7', '8', '9'].join('\n')
    assert.deepEqual(
      diffLines(before, before.replace('7', 'seven')),
      ['…', '  4', '  5', '  6', '- 7', '+ seven', '  8', '  9'].slice(1),
    )
    assert.deepEqual(diffLines('', 'new\n'), ['+ new'])
    assert.deepEqual(diffLines('old\n', ''), ['- old'])
  })

  it('is empty exactly when nothing changed, and turns the old text into the new one', () => {
    fc.assert(
      fc.property(lines, lines, (before, after) => {
        const diff = diffLines(before, after)
        assert.equal(diff.length === 0, before === after)
        const count = (sign: string) => diff.filter(line => line.startsWith(`${sign} `)).length
        const length = (text: string) => text.replace(/\n$/, '').split('\n').length
        assert.equal(count('+') - count('-'), length(after) - length(before))
      }),
    )
  })

  it('says only how much changed when a document is too long to compare', () => {
    assert.deepEqual(diffLines('x\n'.repeat(3_000), 'y\n'), ['~ 3000 lines became 1'])
  })
})

describe('the text of a document', () => {
  it('is cut out of its file without the separator, comments included', () => {
    const file = {
      file: 'all.yaml',
      text: '# the team\nkind: Template\nname: a\nen: |\n  one\n  --- not here\n---\nkind: Template\nname: b\nen: two # why\n--- # third\nkind: Template\nname: c\nen: three\n...\n',
    }
    const { documents } = parsePlanDocuments([{ path: file.file, text: file.text }])
    const texts = textsOfDocuments(documents, [file])
    assert.deepEqual(
      texts.map(({ name }) => name),
      ['a', 'b', 'c'],
    )
    assert.equal(texts[0]?.text, '# the team\nkind: Template\nname: a\nen: |\n  one\n  --- not here\n')
    assert.equal(texts[1]?.text, 'kind: Template\nname: b\nen: two # why\n')
  })

  it('is read again as the same document', () => {
    const names = fc.uniqueArray(fc.stringMatching(/^[a-z]{1,8}$/), { minLength: 1, maxLength: 5 })
    fc.assert(
      fc.property(names, list => {
        const text = list.map(name => `kind: Template\nname: "${name}"\nja: 段階 ${name}\n`).join('---\n')
        const { documents } = parsePlanDocuments([{ path: 'x', text }])
        const again = textsOfDocuments(documents, [{ file: 'x', text }]).flatMap(
          document => parsePlanDocuments([{ path: 'y', text: document.text }]).documents,
        )
        assert.deepEqual(
          again.map(({ kind, name }) => [kind, name]),
          list.map(name => ['Template', name]),
        )
      }),
    )
  })
})
