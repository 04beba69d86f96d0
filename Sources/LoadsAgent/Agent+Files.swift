import LoadsCore
import LoadsEventLoop
import LoadsWire

/// The files that are shipped with runs.
extension Agent {
    /// Sees to the files of a run; then it is launched.
    func prepare(_ run: String, _ files: [RunnerLaunch.File]) throws(AgentError) {
        guard !files.isEmpty else { return launchPrepared() }
        let cache = try cache()
        let there = files.filter { cache.has($0) }
        runs[run]!.missing = distinct(files.filter { file in !there.contains { $0.hash == file.hash } })
        let paths = Dictionary(uniqueKeysWithValues: cache.unchecked(there).map { ($0, cache.path($0)) })
        guard !paths.isEmpty else { return fetchMissing(run) }
        runs[run]!.isChecking = true
        Task {
            // On another thread: beats go on meanwhile.
            let digests = await Task.detached { FileCache.digests(of: paths) }.value
            self.take(digests, of: run)
        }
    }

    /// A file may have several paths; it is fetched once.
    private func distinct(_ files: [RunnerLaunch.File]) -> [RunnerLaunch.File] {
        var seen: Set<String> = []
        return files.filter { seen.insert($0.hash).inserted }
    }

    private func take(_ digests: [String: String], of run: String) {
        guard let cache = try? cache() else { return }
        let bad = cache.take(digests)
        guard let state = runs[run], state.isChecking else { return }
        for file in state.watch.order.launch.files where bad.contains(file.hash) {
            settings.log(.warning, "\(file.path) lies here with another content: it is fetched anew")
        }
        runs[run]!.isChecking = false
        runs[run]!.missing += distinct(state.watch.order.launch.files.filter { bad.contains($0.hash) })
        fetchMissing(run)
    }

    private func fetchMissing(_ run: String) {
        let missing = runs[run]!.missing.reduce(0) { $0 + $1.bytes }
        makeRoom(for: missing)
        if !runs[run]!.missing.isEmpty { change(run) { $0.fetched(missingBytes: missing) } }
        fetchNext()
        launchPrepared()
    }

    /// Shipped files that no run needs make room for others.
    func makeRoom(for bytes: Int) {
        guard let cache = try? cache() else { return }
        let needed = runs.values.filter(\.watch.isRunning).flatMap { $0.watch.order.launch.files.map(\.hash) }
        let gone = cache.makeRoom(for: bytes, keeping: Set(needed))
        if gone > 0 { settings.log(.info, "\(Counted.text(gone, "file")) of earlier runs made room for others") }
    }

    /// Begins to fetch the next file that a run misses, if none is on its way.
    private func fetchNext() {
        guard fetch == nil else { return }
        for run in runs.keys.sorted() {
            guard let file = runs[run]!.missing.first else { continue }
            do throws(AgentError) {
                fetch = (FileFetch(file, at: .now), try cache().draft(file.hash))
                if file.bytes == 0 { fileIsComplete() } else { ask() }
                return
            } catch {
                change(run) { $0.refuse(code: 70, error.message) }
            }
        }
    }

    private func ask() {
        guard let request = fetch?.state.request(), let file = fetch?.state.file else { return }
        send(.fetch(hash: file.hash, offset: request.offset, bytes: request.bytes))
    }

    /// What was asked for is asked for again.
    func askAgain() {
        guard fetch != nil else { return }
        fetch!.state.restart(at: .now)
        ask()
    }

    func take(_ chunk: FileChunk) {
        guard fetch?.state.take(chunk, at: .now) == true else { return }
        do throws(AgentError) {
            try fetch!.draft.append(chunk.bytes)
        } catch {
            return refuseFetching(error.message)
        }
        if fetch!.state.isComplete { fileIsComplete() } else { ask() }
        tellProgress()
    }

    /// Tells the master once a second how much is missing.
    private func tellProgress() {
        let now = Instant.now
        let arrived = fetch?.state.received ?? 0
        for run in runs.keys.sorted() where !runs[run]!.missing.isEmpty {
            if let told = runs[run]!.told, now < told.advanced(by: .seconds(1)) { continue }
            runs[run]!.told = now
            let missing = runs[run]!.missing.reduce(0) { $0 + $1.bytes }
            let coming = runs[run]!.missing.first?.hash == fetch?.state.file.hash ? arrived : 0
            change(run) { $0.fetched(missingBytes: max(0, missing - coming)) }
        }
    }

    private func fileIsComplete() {
        guard let (state, draft) = fetch else { return }
        do throws(AgentError) {
            if try !cache().keep(draft, as: state.file) {
                settings.log(.warning, "\(state.file.path) did not arrive as it was sent: it is fetched once more")
                guard brokenFile != state.file.hash else {
                    return refuseFetching(
                        "\(state.file.path) does not arrive as it was sent (its SHA-256 is not \(state.file.hash)): "
                            + "has it changed since the run was given? Run again")
                }
                brokenFile = state.file.hash
                fetch = nil
                return fetchNext()
            }
        } catch {
            return refuseFetching(error.message)
        }
        fetch = nil
        for run in runs.keys.sorted() where !runs[run]!.missing.isEmpty {
            runs[run]!.missing.removeAll { $0.hash == state.file.hash }
        }
        fetchNext()
        launchPrepared()
    }

    /// The file on its way does not come: who needs it is refused.
    func refuseFetching(_ message: String) {
        guard let hash = fetch?.state.file.hash else { return }
        fetch = nil
        for run in runs.keys.sorted() where runs[run]!.missing.contains(where: { $0.hash == hash }) {
            change(run) { $0.refuse(code: 70, message) }
        }
        fetchNext()
    }

    private func launchPrepared() {
        for run in runs.keys.sorted() where runs[run]?.missing.isEmpty == true && runs[run]?.isChecking == false {
            change(run) { $0.prepared() }
        }
    }
}
