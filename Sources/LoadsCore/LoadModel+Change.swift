import LoadsEventLoop

extension Arrivals {
    /// These arrivals until a point in time, and another rate from then to the end.
    ///
    /// - Parameter time: In nanoseconds since the start.
    public func changed(to rate: ArrivalRate, from time: Int64) -> Arrivals {
        var changed = self
        changed.stages = []
        var reached: Int64 = 0
        var passed: Int64 = 0
        for stage in stages {
            let duration = stage.duration.wholeNanoseconds
            guard passed + duration >= time else {
                changed.stages.append(stage)
                (passed, reached) = (passed + duration, stage.rate.microPerHour)
                continue
            }
            if passed < time {
                // Where its ramp is by then.
                let part = Double(time - passed) / Double(duration)
                let rate = Double(reached) + Double(stage.rate.microPerHour - reached) * part
                changed.stages.append(
                    RateStage(
                        duration: .nanoseconds(time - passed), rate: ArrivalRate(microPerHour: Int64(rate.rounded()))))
            }
            break
        }
        changed.stages.append(RateStage(duration: .zero, rate: rate))
        changed.stages.append(RateStage(duration: length - .nanoseconds(max(0, time)), rate: rate))
        return changed
    }
}

extension UserStages {
    /// These stages until a point in time, and another number of users from then to the end.
    ///
    /// - Parameter time: In nanoseconds since the start.
    public func changed(to users: Int, from time: Int64) -> UserStages {
        var changed = self
        changed.stages = []
        var reached = 0
        var passed: Int64 = 0
        for stage in stages {
            let duration = stage.duration.wholeNanoseconds
            guard passed + duration >= time else {
                changed.stages.append(stage)
                (passed, reached) = (passed + duration, stage.users)
                continue
            }
            if passed < time {
                let part = Double(time - passed) / Double(duration)
                let users = Double(reached) + Double(stage.users - reached) * part
                changed.stages.append(UserStage(duration: .nanoseconds(time - passed), users: Int(users.rounded())))
            }
            break
        }
        changed.stages.append(UserStage(duration: .zero, users: users))
        changed.stages.append(UserStage(duration: length - .nanoseconds(max(0, time)), users: users))
        return changed
    }
}
