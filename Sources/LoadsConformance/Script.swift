import LoadsWire

/// The program that checks let an agent run: a shell script that speaks the dialect `lines`, shipped like any file.
enum Script {
    static let bytes = Array(text.utf8)
    static let file = RunnerLaunch.File(
        path: "bin/program.sh", executable: true, bytes: bytes.count, hash: SHA256.hexadecimal(of: bytes))

    /// `$1` is the mode. It reads its plan first, as every runner does.
    private static let text = #"""
        #!/bin/sh
        # A runner of the dialect `lines`, as the conformance kit of Loads wants it.
        case $LOADS_RESULTS_FD in
            [0-9]) eval "exec 8>&$LOADS_RESULTS_FD" ;;
            *) exec 8>"/proc/self/fd/$LOADS_RESULTS_FD" ;;
        esac
        hit() {
            printf '{"t":0.5,"user":%s,"iteration":%s,"name":"page","method":"GET","url":"http://conformance/","status":%s,"ms":1.5,"bytes":100,"bytes_sent":10,"requests":1,"error":null}\n' "$1" "$2" "$3" >&8
        }
        iteration() {
            printf '{"iteration":{"user":%s,"number":%s,"outcome":"%s","ms":2.5}}\n' "$1" "$2" "$3" >&8
        }
        note() {
            printf '{"note":"%s"}\n' "$(printf '%s' "$1" | sed 's/\\/\\\\/g; s/"/\\"/g')" >&8
        }
        case $1 in
        arrivals) printf '{"knows":["arrivals","warm_up"]}\n' >&8 ;;
        ignorant) printf '{"knows":["pacing"]}\n' >&8 ;;
        esac
        read -r plan || exit 0
        note "process $$"
        case $1 in
        hits)
            # $2 hits, each an iteration of its own; the last one fails.
            number=0
            while [ "$number" -lt "$2" ]; do
                number=$((number + 1))
                if [ "$number" -lt "$2" ]; then
                    hit 34 "$number" 200
                    iteration 34 "$number" ok
                else
                    hit 34 "$number" 500
                    iteration 34 "$number" failed
                fi
            done
            printf '{"failure":{"at":"program.sh:1","message":"the last one"}}\n' >&8
            ;;
        plan)
            note "plan $plan"
            note "environment $LOADS_CONFORMANCE"
            ;;
        arrivals)
            note "plan $plan"
            printf '{"arrivals":{"planned":3,"started":2,"lag_ms":[0.5,1.5]}}\n{"arrivals":{"planned":1,"dropped":1}}\n' >&8
            printf '{"arrivals":{"planned":1,"started":1,"lag_ms":[9]},"warm_up":true}\n' >&8
            printf '{"iteration":{"user":34,"number":0,"outcome":"ok","ms":2.5,"response_ms":4.5}}\n' >&8
            ;;
        seconds)
            # Hits that end as they are written, and two for each of three seconds, told at the end of them.
            number=0
            while [ "$number" -lt 33 ]; do
                number=$((number + 1))
                printf '{"name":"now","status":200,"ms":0.5}\n' >&8
                sleep 0.1
            done
            for second in 0 1 2; do
                for tenth in 1 7; do
                    printf '{"t":%s.%s,"name":"second %s","status":200,"ms":150}\n' "$second" "$tenth" "$second" >&8
                done
            done
            ;;
        notes)
            number=0
            while [ "$number" -lt "$2" ]; do
                number=$((number + 1))
                printf '{"note":"%s"}\n' "$number" >&8
            done
            ;;
        obey)
            # Hits all the time, until it is told to end.
            (while sleep 0.05; do hit 34 0 200; done) </dev/null >/dev/null 2>&1 &
            hits=$!
            while read -r line; do
                note "told $line"
                case $line in
                *'"stop"'*)
                    kill "$hits"
                    iteration 34 0 ok
                    exit 0
                    ;;
                *'"abort"'*)
                    kill "$hits"
                    iteration 34 0 interrupted
                    exit 0
                    ;;
                esac
            done
            kill "$hits"
            ;;
        deaf)
            # Takes no notice of anything.
            while :; do sleep 1; done
            ;;
        files)
            note "files $(cat "$2" "$3" | wc -c | tr -d ' ')"
            ;;
        crash)
            hit 34 0 200
            echo 'these are its last words' >&2
            kill -9 $$
            ;;
        nonsense)
            echo 'this is no result' >&8
            echo '{"ms":"neither is this"}' >&8
            hit 34 0 200
            ;;
        child)
            sleep 1000 >/dev/null 2>&1 8>&- &
            note "child $!"
            ;;
        esac
        exit 0
        """#
}
