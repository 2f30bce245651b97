// SPDX-License-Identifier: Apache-2.0

// The same call with Debian's ttrpc for Go: server and caller.
//
//	ttrpc serve PATH
//	ttrpc load PID SECONDS CONNECTIONS IN-FLIGHT PEERS PATH
//
// `load` prints what load.c prints.
package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"sort"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"github.com/containerd/ttrpc"
	"wgm.bench/ttrpc/bench"
)

func giveUp(words ...interface{}) {
	fmt.Fprintln(os.Stderr, append([]interface{}{"ttrpc:"}, words...)...)
	os.Exit(1)
}

// get is the whole service.
func get(_ context.Context, read func(interface{}) error) (interface{}, error) {
	var request bench.GetPeerRequest
	if err := read(&request); err != nil {
		return nil, err
	}
	return &bench.GetPeerResponse{
		Peer: &bench.Peer{
			Interface: request.Interface, Name: request.Name, Enabled: true,
			PublicKey:        "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=",
			Addresses:        []string{"10.81.0.2", "fd81:1234:5678:1::2"},
			AllowedAddresses: []string{"10.81.0.2/32", "fd81:1234:5678:1::2/128"},
			Revision:         12, CreatedUnixMs: 1767225600000,
			Status: &bench.PeerStatus{Present: true, ObservedUnixMs: 1767225600000},
		},
		Freshness: &bench.Freshness{AsOfUnixMs: 1767225600000},
	}, nil
}

func serve(path string) {
	server, err := ttrpc.NewServer()
	if err != nil {
		giveUp(err)
	}
	server.Register("bench.Peers", map[string]ttrpc.Method{"Get": get})
	listener, err := net.Listen("unix", path)
	if err != nil {
		giveUp(err)
	}
	giveUp(server.Serve(context.Background(), listener))
}

func number(text string) int {
	value, err := strconv.Atoi(text)
	if err != nil {
		giveUp(err)
	}
	return value
}

// processorTime is that of a whole process: Linux has a clock for each.
func processorTime(pid int) int64 {
	var spec syscall.Timespec
	clock := uintptr(uint32(^pid<<3 | 2))
	if _, _, number := syscall.Syscall(syscall.SYS_CLOCK_GETTIME, clock, uintptr(unsafe.Pointer(&spec)), 0); number != 0 {
		giveUp(number)
	}
	return spec.Nano()
}

func resident(pid string) string {
	status, _ := os.ReadFile("/proc/" + pid + "/status")
	for _, line := range strings.Split(string(status), "\n") {
		if strings.HasPrefix(line, "VmRSS:") {
			return strings.Fields(line)[1]
		}
	}
	return "0"
}

func load(arguments []string) {
	pid, connections, inFlight, names := number(arguments[0]), number(arguments[2]), number(arguments[3]), number(arguments[4])
	seconds, err := strconv.ParseFloat(arguments[1], 64)
	if err != nil {
		giveUp(err)
	}
	var counting, stopping atomic.Bool
	var next atomic.Uint32
	var group sync.WaitGroup
	samples := make([][]int64, connections*inFlight)
	for index := range samples {
		if index%inFlight == 0 {
			connection, err := net.Dial("unix", arguments[5])
			if err != nil {
				giveUp(err)
			}
			client := ttrpc.NewClient(connection)
			for worker := index; worker < index+inFlight; worker++ {
				group.Add(1)
				go func(mine *[]int64) {
					defer group.Done()
					for !stopping.Load() {
						request := bench.GetPeerRequest{Interface: "wg0", Name: fmt.Sprintf("peer%04d", int(next.Add(1))%names)}
						var reply bench.GetPeerResponse
						began := time.Now()
						if err := client.Call(context.Background(), "bench.Peers", "Get", &request, &reply); err != nil {
							giveUp(err)
						}
						if counting.Load() {
							*mine = append(*mine, int64(time.Since(began)))
						}
					}
				}(&samples[worker])
			}
		}
	}
	time.Sleep(300 * time.Millisecond)
	cpu, start := processorTime(pid), time.Now()
	counting.Store(true)
	time.Sleep(time.Duration(seconds * 1e9))
	counting.Store(false)
	cpu = processorTime(pid) - cpu
	span := time.Since(start)
	kilobytes := resident(arguments[0])
	stopping.Store(true)
	group.Wait()
	var all []int64
	for _, mine := range samples {
		all = append(all, mine...)
	}
	sort.Slice(all, func(a, b int) bool { return all[a] < all[b] })
	fmt.Println(len(all), cpu, all[len(all)/2], all[len(all)*99/100], int64(span), kilobytes)
}

func main() {
	switch {
	case len(os.Args) == 3 && os.Args[1] == "serve":
		serve(os.Args[2])
	case len(os.Args) == 8 && os.Args[1] == "load":
		load(os.Args[2:])
	default:
		giveUp("usage: ttrpc serve PATH | ttrpc load PID SECONDS CONNECTIONS IN-FLIGHT PEERS PATH")
	}
}
