/** The parts of the package `openwhisk-composer` that tests use; it comes without types. */

declare module 'openwhisk-composer' {
  /** A composition, the name of an action, or nothing. */
  type Task = Composition | string | null

  interface Composition {
    compile(): Compiled
  }

  interface Compiled {
    readonly composition: object
    readonly ast: object
    readonly version: string
    readonly actions?: readonly object[]
  }

  interface Composer {
    action(name: string, options?: { readonly action?: string; readonly sequence?: readonly string[] }): Composition
    async(...tasks: readonly Task[]): Composition
    dowhile(body: Task, test: Task): Composition
    dynamic(): Composition
    empty(): Composition
    readonly finally: (body: Task, finalizer: Task) => Composition
    /** JavaScript as text. */
    function(code: string): Composition
    if(test: Task, consequent: Task, alternate?: Task): Composition
    if_nosave(test: Task, consequent: Task, alternate?: Task): Composition
    let(declarations: object, ...tasks: readonly Task[]): Composition
    literal(value: unknown): Composition
    mask(...tasks: readonly Task[]): Composition
    merge(...tasks: readonly Task[]): Composition
    parallel(...tasks: readonly Task[]): Composition
    repeat(count: number, ...tasks: readonly Task[]): Composition
    retain(...tasks: readonly Task[]): Composition
    retain_catch(...tasks: readonly Task[]): Composition
    retry(count: number, ...tasks: readonly Task[]): Composition
    sequence(...tasks: readonly Task[]): Composition
    try(body: Task, handler: Task): Composition
    while(test: Task, body: Task): Composition
    while_nosave(test: Task, body: Task): Composition
  }

  const composer: Composer
  export default composer
  export type { Compiled, Composition, Task }
}

declare module 'openwhisk-composer/client.js' {
  import type { Client, Options } from 'openwhisk'
  import type { Compiled } from 'openwhisk-composer'

  interface Compositions {
    deploy(composition: Compiled & { readonly name: string }, overwrite: boolean): Promise<readonly object[]>
  }

  /** `basic`: with the key, whatever the namespace. */
  export default function client(options: Options, basic: boolean): Client & { readonly compositions: Compositions }
}
