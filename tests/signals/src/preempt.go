// SPDX-License-Identifier: LGPL-2.1-or-later

// preempt - a program that preempts itself every 100 µs while it opens files
//
// A thread sends SIGURG, which Go preempts by, to all threads all the time, and the
// collector stops the world again and again, so that those who make no calls are preempted too.
package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

const workers = 4

var from = os.Getenv("SIGNALS_FROM")
var sent, over atomic.Int64

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func preempt() {
	runtime.LockOSThread()
	pid := os.Getpid()
	period := syscall.Timespec{Nsec: 100000}
	var tids []int
	for n := 0; over.Load() == 0; n++ {
		if n%100 == 0 {
			entries, err := os.ReadDir("/proc/self/task")
			check(err)
			tids = tids[:0]
			for _, entry := range entries {
				tid, err := strconv.Atoi(entry.Name())
				check(err)
				tids = append(tids, tid)
			}
		}
		for _, tid := range tids {
			// A thread may have ended.
			syscall.Syscall(syscall.SYS_TGKILL, uintptr(pid), uintptr(tid), uintptr(syscall.SIGURG))
		}
		sent.Add(1)
		syscall.Syscall6(syscall.SYS_CLOCK_NANOSLEEP, 1, 0, uintptr(unsafe.Pointer(&period)), 0, 0, 0)
	}
}

// No call in it: only a signal makes it give way.
func spin() {
	x := uint32(1)
	for over.Load() == 0 {
		for i := 0; i < 1000000; i++ {
			x = x*1664525 + 1013904223
		}
	}
	sink.Store(x)
}

var sink atomic.Uint32

func work(worker, rounds int, expect, peer string) {
	for i := 0; i < rounds; i++ {
		got, err := os.ReadFile(from + "/file")
		check(err)
		if string(got) != expect {
			check(fmt.Errorf("the file says %q", got))
		}
		name := fmt.Sprintf("%d-%d", worker, i)
		check(os.Mkdir(from+"/d/"+name, 0o700))
		file, err := os.OpenFile(from+"/f/"+name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		check(err)
		check(file.Close())
		check(os.Link(from+"/f/"+name, from+"/l/"+name))
		check(os.Rename(from+"/l/"+name, from+"/r/"+name))
		if i%16 != 0 {
			continue
		}
		connection, err := net.Dial("tcp", peer)
		check(err)
		_, err = connection.Write([]byte(name))
		check(err)
		check(connection.(*net.TCPConn).CloseWrite())
		got, err = io.ReadAll(connection)
		check(err)
		if string(got) != name {
			check(fmt.Errorf("the server says %q, not %q", got, name))
		}
		check(connection.Close())
	}
}

func main() {
	rounds, err := strconv.Atoi(os.Getenv("SIGNALS_ROUNDS"))
	check(err)
	expect := "from\n"
	if os.Getenv("SIGNALS_SUPERVISED") == "1" {
		expect = "to\n"
	}
	listener, err := net.Listen("tcp", os.Getenv("SIGNALS_SERVER")+":0")
	check(err)
	var served atomic.Int64
	go func() {
		for {
			connection, err := listener.Accept()
			check(err)
			served.Add(1)
			go func() { io.Copy(connection, connection); connection.Close() }()
		}
	}()
	peer := fmt.Sprintf("%s:%d", os.Getenv("SIGNALS_PEER"), listener.Addr().(*net.TCPAddr).Port)
	go preempt()
	go spin()
	go func() {
		for over.Load() == 0 {
			runtime.GC()
			time.Sleep(time.Millisecond)
		}
	}()
	each := rounds/workers + 1
	var group sync.WaitGroup
	for worker := 0; worker < workers; worker++ {
		group.Add(1)
		go func(worker int) {
			defer group.Done()
			work(worker, each, expect, peer)
		}(worker)
	}
	group.Wait()
	over.Store(1)
	if want := int64(workers * ((each + 15) / 16)); served.Load() != want {
		check(fmt.Errorf("%d connections, not %d", served.Load(), want))
	}
	n := each * workers
	fmt.Printf("made d %d\nmade f %d\nmade l 0\nmade r %d\n", n, n, n)
	fmt.Printf("signals %d interrupted 0\n", sent.Load())
}
