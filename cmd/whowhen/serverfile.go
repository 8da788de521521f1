package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// serverFile is DIR/server.json: which server holds DIR. It is written once the server
// listens and removed when it ends, so that commands on DIR find the server. A killed
// server leaves it behind, hence the doubts of liveServer.
type serverFile struct {
	PID     int    `json:"pid"`
	Address string `json:"address"`
}

func serverFilePath(dir string) string { return filepath.Join(dir, "server.json") }

// writeServerFile writes DIR/server.json whole or not at all.
func writeServerFile(dir string, s serverFile) error {
	b, err := json.Marshal(s)
	if err != nil {
		return err
	}
	temporary := fmt.Sprintf("%s.%d", serverFilePath(dir), s.PID)
	if err := os.WriteFile(temporary, append(b, '\n'), 0o644); err != nil {
		return err
	}
	return os.Rename(temporary, serverFilePath(dir))
}

// liveServer returns the server that holds dir, if one answers. To be called when somebody
// holds dir. Without the look at the process, a file left by a killed server could lead to a
// server of another directory that has its port now.
func liveServer(ctx context.Context, dir string) *serverFile {
	b, err := os.ReadFile(serverFilePath(dir))
	if err != nil {
		return nil
	}
	var s serverFile
	if json.Unmarshal(b, &s) != nil || s.Address == "" || !processRuns(s.PID) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.Address+"/healthz", nil)
	if err != nil {
		return nil
	}
	client := wireClient()
	defer client.CloseIdleConnections()
	answer, err := client.Do(r)
	if err != nil {
		return nil
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil
	}
	return &s
}

// dialAddress returns the address at which this machine reaches a listener.
func dialAddress(a net.Addr) string {
	host, port, err := net.SplitHostPort(a.String())
	if err != nil {
		return "http://" + a.String()
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, port)
}
