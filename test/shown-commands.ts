/** Command lines as documents show them: found, taken apart, and held against the commands as they are. */

import type { Command } from 'commander'

/** What a shell ends a command with, or begins one by. */
const SEPARATORS = /&&|\|\||[|;&]|\$\(/
const ASSIGNMENT = /^[A-Z_]+=/

/** The arguments of each call of `stave` in a block: `npx stave …`, `stave …`, and `npm start -- …`, which is `stave standalone …`. */
export function staveCalls(lines: readonly string[]): readonly (readonly string[])[] {
  const whole = lines
    .join('\n')
    .replaceAll(/\\\n\s*/g, ' ')
    .replaceAll(/\s#.*$/gm, '')
  return whole
    .split('\n')
    .flatMap((line) => line.split(SEPARATORS))
    .flatMap((part) => {
      const words = shellWords(part)
      const [first, second, ...rest] = words.slice(words.findIndex((word) => !ASSIGNMENT.test(word)))
      if (first === 'npm' && second === 'start') return [['standalone', ...rest.slice(1)]]
      if (first === 'npx' && second === 'stave') return [rest]
      return first === 'stave' && second !== undefined ? [[second, ...rest]] : []
    })
}

/** Words of a command line, quotes taken off. */
export function shellWords(line: string): readonly string[] {
  return [...line.matchAll(/(?:[^\s"']|"[^"]*"?|'[^']*'?)+/g)].map(([word]) => word.replaceAll(/["']/g, ''))
}

/** What is wrong with a call: commands and flags that there are not, and arguments that are missing or too many. */
export function faults(
  program: Command,
  words: readonly string[],
): { readonly unknown: readonly string[]; readonly count?: string } {
  const unknown: string[] = []
  let command = program
  let given = 0
  for (let index = 0; index < words.length; index++) {
    const word = words[index] ?? ''
    if (word.startsWith('-')) {
      const [flag = ''] = word.split('=')
      const option = [...command.options, ...program.options].find(({ short, long }) => short === flag || long === flag)
      if (option !== undefined && !word.includes('=')) index += valuesOf(option)
      if (option === undefined && flag !== '--help' && flag !== '-h') unknown.push(flag)
    } else if (command.commands.length === 0) given++
    else {
      const child = command.commands.find((each) => each.name() === word)
      if (child === undefined) return { unknown: [...unknown, word] }
      command = child
    }
  }
  if (words.includes('--help') || words.includes('-h')) return { unknown }
  const { registeredArguments } = command
  const least = registeredArguments.filter(({ required }) => required).length
  const most = registeredArguments.some(({ variadic }) => variadic) ? Infinity : registeredArguments.length
  const fits = command.commands.length === 0 && given >= least && given <= most
  return { unknown, ...(!fits && { count: `${given} arguments` }) }
}

/** Words that follow an option as its value: `-p KEY VALUE` takes two. */
function valuesOf({ flags, required }: { readonly flags: string; readonly required: boolean }): number {
  if (flags.includes('<key value>')) return 2
  return required ? 1 : 0
}
