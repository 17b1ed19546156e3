// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <thread>
#include <vector>

#include "base/result.h"
#include "workload/client_connection.h"
#include "workload/endpoint.h"
#include "workload/options.h"

namespace netio::workload {

// The receiving end: each thread opens its own connection. It enters the phases as the stamps of the server say, so
// that opening them at its gate() has no effect.
class Client final : public Endpoint {
 public:
    // Connects in the background. Errors: bad options.
    static Result<std::unique_ptr<Client>> start(const ClientOptions& options);
    ~Client() override;

    PhaseGate& gate() override { return gate_; }
    model::WorkloadResult result() const override;
    void interrupt() override;
    void leave(bool linger) override;
    // What the server said it sends; once all connections are made.
    std::optional<ServerHello> server() const;

 private:
    explicit Client(const ClientOptions& options);
    void join();

    ClientOptions options_;
    PhaseGate gate_;
    std::vector<std::unique_ptr<ClientConnection>> connections_;
    std::vector<std::thread> workers_;
};

}  // namespace netio::workload
