// Load tests in JavaScript for Loads: `run(scenario)` makes a program a runner.

export { Skip, User, run } from './runner.mjs'
export { RequestError, Response, Session, StatusError } from './session.mjs'
