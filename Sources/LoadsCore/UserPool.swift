import LoadsEventLoop
import Synchronization

/// Users that are made when they are first needed, and kept until the end of the run.
final class UserPool: Sendable {
    let plan: Plan
    private let scenarios: [String]
    private let lanes: [Lane]
    private let state: Mutex<State>

    private struct State {
        var users: [Int: VirtualUser] = [:]
        /// Users whose task is running, for each lane.
        var running: [Int]
    }

    init(plan: Plan, scenarios: [Scenario], lanes: [Lane]) {
        self.plan = plan
        self.scenarios = scenarios.map(\.name)
        self.lanes = lanes
        state = Mutex(State(running: lanes.map { _ in 0 }))
    }

    /// Users running now.
    var count: Int { state.withLock { $0.running.reduce(0, +) } }

    private func place(of user: VirtualUser) -> Int { lanes.firstIndex { $0.loop === user.loop }! }

    /// The user with a number; its task begins.
    ///
    /// - Parameter place: The lane that it lives on, from its first time.
    func enter(_ number: Int, lane place: Int) -> VirtualUser {
        state.withLock { state in
            state.running[place] += 1
            if let user = state.users[number] { return user }
            let lane = lanes[place]
            let user = VirtualUser(
                number: number, loop: lane.loop, recorder: lane.recorder, plan: plan, scenarios: scenarios)
            state.users[number] = user
            return user
        }
    }

    /// The task of a user has ended.
    func leave(_ user: VirtualUser) {
        let place = place(of: user)
        state.withLock { $0.running[place] -= 1 }
    }

    func user(_ number: Int) -> VirtualUser? { state.withLock { $0.users[number] } }

    /// Wakes users that wait between two iterations.
    func wake(_ users: [VirtualUser]) {
        for (place, users) in Dictionary(grouping: users, by: place) {
            lanes[place].wake(Set(users.map(ObjectIdentifier.init)))
        }
    }

    /// Closes what the users own. Lanes with users left behind are left as they are: they may never answer.
    ///
    /// - Returns: Those lanes.
    func dismiss() async -> Set<Int> {
        let (left, users) = state.withLock { ($0.running, Array($0.users.values)) }
        for index in lanes.indices where left[index] == 0 {
            let mine = users.filter { place(of: $0) == index }
            await lanes[index].onLoop {
                for user in mine {
                    user.attachment?.userEnded()
                    user.attachment = nil
                }
            }
        }
        return Set(left.indices.filter { left[$0] > 0 })
    }
}
