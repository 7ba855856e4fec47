// SPDX-License-Identifier: LGPL-2.1-or-later

// Goroutines that are preempted by signals, files, children, sockets.
package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"sync"
	"syscall"
)

// No call in it: only a signal makes it give way.
func spin(n int) (x uint32) {
	x = uint32(n)
	for i := 0; i < 50000000; i++ {
		x = x*1664525 + 1013904223
	}
	return
}

func check(err error) {
	if err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
}

func main() {
	env := map[string]string{}
	for _, name := range []string{"INPUT", "HIDDEN", "KEPT", "TOOL", "SERVER", "PEER", "NOBODY"} {
		env[name] = os.Getenv(name)
	}
	check(os.MkdirAll("data/deep", 0o755))
	var wg sync.WaitGroup
	var mu sync.Mutex
	var lines []string
	say := func(format string, args ...any) {
		mu.Lock()
		lines = append(lines, fmt.Sprintf(format, args...))
		mu.Unlock()
	}
	for i := 0; i < 16; i++ {
		wg.Add(1)
		go func(i int) { defer wg.Done(); say("spin %d %d", i, spin(i)) }(i)
	}
	for i := 0; i < 200; i++ {
		wg.Add(1)
		go func(i int) {
			defer wg.Done()
			name := fmt.Sprintf("data/f%03d", i)
			check(os.WriteFile(name, []byte(name), 0o644))
			for j := 0; j < 20; j++ {
				got, err := os.ReadFile(name)
				check(err)
				if string(got) != name {
					say("wrong content of %s", name)
				}
				_, err = os.Stat(name)
				check(err)
			}
			check(os.Rename(name, name+".x"))
		}(i)
	}
	for i := 0; i < 30; i++ {
		wg.Add(1)
		go func(i int) {
			defer wg.Done()
			out, err := exec.Command("echo", "child", fmt.Sprint(i)).Output()
			check(err)
			say("%s", out)
		}(i)
	}
	for i := 0; i < 30; i++ {
		wg.Add(1)
		go func(i int) {
			defer wg.Done()
			got, err := os.ReadFile(env["INPUT"] + "/part")
			say("input %d %s %v", i, got, err)
			_, err = os.Open(env["HIDDEN"] + "/part")
			say("hidden %v", err)
			err = os.WriteFile(env["KEPT"]+"/program", nil, 0o644)
			say("kept %v", err)
			out, err := exec.Command(env["TOOL"], fmt.Sprint(i)).Output()
			say("%s %v", out, err)
			_, err = net.Dial("tcp", env["NOBODY"]+":9")
			say("nobody %t", errors.Is(err, syscall.ECONNREFUSED))
		}(i)
	}
	l, err := net.Listen("tcp", env["SERVER"]+":0")
	check(err)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { io.Copy(c, c); c.Close() }()
		}
	}()
	for i := 0; i < 50; i++ {
		wg.Add(1)
		go func(i int) {
			defer wg.Done()
			c, err := net.Dial("tcp", fmt.Sprintf("%s:%d", env["PEER"], l.Addr().(*net.TCPAddr).Port))
			check(err)
			fmt.Fprintf(c, "hello %d", i)
			c.(*net.TCPConn).CloseWrite()
			got, err := io.ReadAll(c)
			check(err)
			say("echo %s", got)
		}(i)
	}
	wg.Wait()
	l.Close()
	n := 0
	filepath.Walk("data", func(p string, info os.FileInfo, err error) error { check(err); n++; return nil })
	say("walk %d", n)
	_, err = os.Open("missing")
	say("%v", err)
	sort.Strings(lines)
	h := sha256.New()
	for _, l := range lines {
		fmt.Fprintln(h, l)
	}
	fmt.Printf("%d lines %x\n", len(lines), h.Sum(nil))
	os.Exit(4)
}
