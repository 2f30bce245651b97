// SPDX-License-Identifier: Apache-2.0
// The same call with Debian's gRPC for C++: server and caller.
//
//   grpc serve unix:PATH
//   grpc serve 127.0.0.1:PORT CERTIFICATE KEY
//   grpc load PID SECONDS CONNECTIONS IN-FLIGHT PEERS ADDRESS [AUTHORITY]
//   grpc call ADDRESS          one call, as a whole process
//
// `load` prints what load.c prints.
#include <grpcpp/grpcpp.h>
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "peer.grpc.pb.h"

namespace {

[[noreturn]] void give_up(const std::string &words) {
    fprintf(stderr, "grpc: %s\n", words.c_str());
    exit(1);
}

uint64_t nanoseconds(clockid_t clock) {
    timespec time;
    if (clock_gettime(clock, &time)) give_up("no such process");
    return uint64_t(time.tv_sec) * 1000000000 + uint64_t(time.tv_nsec);
}

std::string read_file(const char *path) {
    std::ifstream file(path);
    std::ostringstream text;
    text << file.rdbuf();
    if (!file) give_up(std::string(path) + " cannot be read");
    return text.str();
}

class Peers final : public bench::Peers::CallbackService {
    grpc::ServerUnaryReactor *Get(grpc::CallbackServerContext *context, const bench::GetPeerRequest *request,
                                  bench::GetPeerResponse *reply) override {
        auto *peer = reply->mutable_peer();
        peer->set_interface(request->interface());
        peer->set_name(request->name());
        peer->set_public_key("xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=");
        peer->set_enabled(true);
        for (auto *address : {"10.81.0.2", "fd81:1234:5678:1::2"}) peer->add_addresses(address);
        for (auto *prefix : {"10.81.0.2/32", "fd81:1234:5678:1::2/128"}) peer->add_allowed_addresses(prefix);
        peer->set_revision(12);
        peer->set_created_unix_ms(1767225600000);
        peer->mutable_status()->set_present(true);
        peer->mutable_status()->set_observed_unix_ms(1767225600000);
        reply->mutable_freshness()->set_as_of_unix_ms(1767225600000);
        auto *reactor = context->DefaultReactor();
        reactor->Finish(grpc::Status::OK);
        return reactor;
    }
};

int serve(int count, char **arguments) {
    Peers service;
    grpc::ServerBuilder builder;
    auto credentials = grpc::InsecureServerCredentials();
    if (count == 5) {
        grpc::SslServerCredentialsOptions options;
        options.pem_key_cert_pairs.push_back({read_file(arguments[4]), read_file(arguments[3])});
        credentials = grpc::SslServerCredentials(options);
    }
    builder.AddListeningPort(arguments[2], credentials);
    builder.RegisterService(&service);
    auto server = builder.BuildAndStart();
    if (!server) give_up("cannot listen");
    server->Wait();
    return 0;
}

std::unique_ptr<bench::Peers::Stub> connect_to(const char *address, const char *authority) {
    grpc::ChannelArguments settings;
    settings.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    auto credentials = grpc::InsecureChannelCredentials();
    if (authority) {
        grpc::SslCredentialsOptions options;
        options.pem_root_certs = read_file(authority);
        credentials = grpc::SslCredentials(options);
    }
    return bench::Peers::NewStub(grpc::CreateCustomChannel(address, credentials, settings));
}

struct Call {
    bench::Peers::Stub *stub;
    std::unique_ptr<grpc::ClientContext> context;
    std::unique_ptr<grpc::ClientAsyncResponseReader<bench::GetPeerResponse>> reader;
    bench::GetPeerResponse reply;
    grpc::Status status;
    uint64_t began;

    void begin(const std::string &name, grpc::CompletionQueue &queue, uint64_t now) {
        bench::GetPeerRequest request;
        request.set_interface("wg0");
        request.set_name(name);
        context = std::make_unique<grpc::ClientContext>();
        began = now;
        reader = stub->AsyncGet(context.get(), request, &queue);
        reader->Finish(&reply, &status, this);
    }
};

long resident(const char *pid) {
    std::ifstream file(std::string("/proc/") + pid + "/status");
    long kilobytes = 0;
    for (std::string line; std::getline(file, line);) sscanf(line.c_str(), "VmRSS: %ld", &kilobytes);
    return kilobytes;
}

int load(int count, char **arguments) {
    auto server = clockid_t(~unsigned(atoi(arguments[2])) << 3 | 2);
    auto span = uint64_t(atof(arguments[3]) * 1e9);
    int connections = atoi(arguments[4]), in_flight = atoi(arguments[5]), names = atoi(arguments[6]), next = 0;
    std::vector<std::unique_ptr<bench::Peers::Stub>> stubs;
    std::vector<Call> calls(size_t(connections * in_flight));
    std::vector<uint32_t> samples;
    grpc::CompletionQueue queue;
    for (int index = 0; index < connections; index++)
        stubs.push_back(connect_to(arguments[7], count == 9 ? arguments[8] : nullptr));
    auto name = [&] {
        char text[16];
        snprintf(text, sizeof text, "peer%04d", next);
        next = (next + 1) % names;
        return std::string(text);
    };
    uint64_t now = nanoseconds(CLOCK_MONOTONIC), start = now + 300000000, cpu = 0;
    for (size_t index = 0; index < calls.size(); index++) {
        calls[index].stub = stubs[index % stubs.size()].get();
        calls[index].begin(name(), queue, now);
    }
    bool is_counting = false, is_ok;
    void *tag;
    while ((!is_counting || now < start + span) && queue.Next(&tag, &is_ok)) {
        auto *call = static_cast<Call *>(tag);
        now = nanoseconds(CLOCK_MONOTONIC);
        if (!is_ok || !call->status.ok()) give_up(call->status.error_message());
        if (is_counting) samples.push_back(uint32_t(now - call->began));
        if (!is_counting && now >= start) {
            start = now;
            cpu = nanoseconds(server);
            is_counting = true;
        }
        call->begin(name(), queue, now);
    }
    cpu = nanoseconds(server) - cpu;
    std::sort(samples.begin(), samples.end());
    printf("%zu %lu %u %u %lu %ld\n", samples.size(), cpu, samples[samples.size() / 2],
           samples[samples.size() * 99 / 100], now - start, resident(arguments[2]));
    fflush(stdout);
    // The calls in flight are nobody's any more.
    _Exit(0);
}

int call_once(const char *address) {
    grpc::ClientContext context;
    bench::GetPeerRequest request;
    bench::GetPeerResponse reply;
    request.set_interface("wg0");
    request.set_name("peer0001");
    auto status = connect_to(address, nullptr)->Get(&context, request, &reply);
    if (!status.ok()) give_up(status.error_message());
    puts(reply.peer().name().c_str());
    return 0;
}

}  // namespace

int main(int count, char **arguments) {
    std::string verb = count > 1 ? arguments[1] : "";
    if (verb == "serve" && (count == 3 || count == 5)) return serve(count, arguments);
    if (verb == "load" && (count == 8 || count == 9)) return load(count, arguments);
    if (verb == "call" && count == 3) return call_once(arguments[2]);
    give_up("usage: grpc serve ADDRESS [CERTIFICATE KEY] | load PID ... | call ADDRESS");
}
