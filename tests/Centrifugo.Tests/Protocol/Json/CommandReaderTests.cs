using System.Text;
using Weir.Protocols.Centrifugo.Protocol;
using Weir.Protocols.Centrifugo.Protocol.Json;
using Weir.Relay.Brokers;
using Xunit;

namespace Weir.Protocols.Centrifugo.Tests.Protocol.Json;

public sealed class CommandReaderTests
{
    [Fact]
    public void SeveralCommands_AreReadInOrder_WithTheirDataVerbatim()
    {
        List<ClientCommand> commands = Read("""
            {"id":1,"connect":{"token":"t","name":"js","headers":{"a":"b"},"subs":{"c":{"recover":true,"offset":7,"epoch":"e"},"d":{}}}}
            {"id":2,"subscribe":{"channel":"a\u0062","recover":true,"offset":5,"epoch":"xy","join_leave":true,"flag":3}}
            {"publish":{"channel":"p","data":{"x" : [1, 2.50, "}{"]}},"id":3}
            {"send":{"data":null}}
            {}
            {"id":4,"history":{"channel":"h","limit":-1,"reverse":true,"since":{"offset":9,"epoch":"z"}}}
            """)!;

        Assert.Equal([1u, 2u, 3u, 0u, 0u, 4u], commands.Select(static each => each.Id));
        ConnectCommand connect = Assert.IsType<ConnectCommand>(commands[0]);
        Assert.Equal("t", connect.Token);
        Assert.Equal(new StreamPosition("e", 7), Assert.Single(connect.Positions!, static each => each.Key == "c").Value);
        Assert.Equal(
            new SubscribeCommand(2, "ab", Token: null, new StreamPosition("xy", 5), JoinLeave: true, RejectsUnrecovered: true), commands[1]);
        PublishCommand publish = Assert.IsType<PublishCommand>(commands[2]);
        Assert.Equal("""{"x" : [1, 2.50, "}{"]}""", Encoding.UTF8.GetString(publish.Data.Span));
        Assert.Equal("null", Encoding.UTF8.GetString(Assert.IsType<SendCommand>(commands[3]).Data.Span));
        Assert.IsType<EmptyCommand>(commands[4]);
        Assert.Equal(new HistoryCommand(4, "h", new StreamPosition("z", 9), Limit: -1, Reverse: true), commands[5]);
    }

    [Theory]
    [InlineData("""{"id":1,"subscribe":{"channel":"a"}}""")]
    [InlineData("""{"id":1,"subscribe":{"channel":"a","offset":3,"recover":false}}""")]
    public void WithoutRecover_ThereIsNoPlaceToRecoverFrom(string frame)
        => Assert.Null(Assert.IsType<SubscribeCommand>(Assert.Single(Read(frame)!)).From);

    [Theory]
    [InlineData("""{"id":1,"fly":{}}""", typeof(UnknownCommand))]
    [InlineData("""{"id":1,"subscribe":7}""", typeof(UnknownCommand))]
    [InlineData("""{"id":1}""", typeof(EmptyCommand))]
    [InlineData("""{"id":1,"ping":{},"rpc":{"method":"m"}}""", typeof(RpcCommand))]
    public void WhatIsNotKnown_IsPassedOver(string frame, Type method) => Assert.IsType(method, Assert.Single(Read(frame)!));

    [Theory]
    [InlineData("")]
    [InlineData(" \n\r\n ")]
    public void EmptyFrame_HasNoCommand(string frame) => Assert.Empty(Read(frame)!);

    [Theory]
    [InlineData("x")]
    [InlineData("[]")]
    [InlineData("1")]
    [InlineData("{")]
    [InlineData("""{"id":-1}""")]
    [InlineData("""{"id":1.5}""")]
    [InlineData("""{"id":"1"}""")]
    [InlineData("""{"id":4294967296}""")]
    [InlineData("""{"subscribe":{"channel":1}}""")]
    [InlineData("""{"id":1,"id":"1","subscribe":{"channel":1}}""")]
    [InlineData("""{"id":1,"subscribe":{"channel":1}""")]
    [InlineData("""{"id":1,"subscribe":{"channel":NaN}}""")]
    [InlineData("""{"id":1,/* a comment */"subscribe":{}}""")]
    [InlineData("""{"id":1,"connect":{}},{"id":2}""")]
    [InlineData("""{"id":1,"connect":{}} x""")]
    [InlineData("""{"id":1,"connect":{}}{"id":""")]
    public void MalformedFrame_IsReported(string frame) => Assert.Null(Read(frame));

    [Theory]
    [InlineData("""{"id":1,"subscribe":{"channel":1}}""")]
    [InlineData("""{"subscribe":{"channel":1},"id":1}""")]
    [InlineData("""{"id":1,"subscribe":{"channel":"\ud800"}}""")]
    [InlineData("""{"id":1,"subscribe":{"channel":"\udc00\ud800"}}""")]
    [InlineData("""{"id":1,"subscribe":{"ch\ud800annel":"a"}}""")]
    [InlineData("""{"id":1,"\ud800":{}}""")]
    [InlineData("""{"id":1,"subscribe":{"channel":"a","epoch":"\ud800"}}""")]
    [InlineData("""{"id":1,"subscribe":{"channel":"a","offset":9223372036854775808}}""")]
    [InlineData("""{"id":1,"subscribe":{"channel":"a","offset":1.5}}""")]
    [InlineData("""{"id":1,"subscribe":{"channel":"a","recover":1}}""")]
    [InlineData("""{"id":1,"history":{"since":3}}""")]
    [InlineData("""{"id":1,"connect":{"subs":[]}}""")]
    [InlineData("""{"id":1,"connect":{"subs":{"\ud800":{"recover":true}}}}""")]
    [InlineData("""{"id":1,"rpc":{"method":"\ud800"}}""")]
    public void MalformedCommand_IsReported_AndTheNextIsRead(string command)
    {
        List<ClientCommand> commands = Read(command + "\n" + """{"id":2,"publish":{"channel":"a","data":1}}""")!;

        Assert.Equal(
            [(1u, typeof(MalformedCommand)), (2u, typeof(PublishCommand))],
            commands.Select(static each => (each.Id, each.GetType())));
    }

    [Theory]
    [InlineData("publish", "data", 64, typeof(PublishCommand))]
    [InlineData("publish", "data", 65, typeof(MalformedCommand))]
    [InlineData("publish", "data", 100_000, typeof(MalformedCommand))]
    [InlineData("connect", "data", 64, typeof(ConnectCommand))]
    [InlineData("connect", "headers", 65, typeof(MalformedCommand))]
    [InlineData("fly", "with", 65, typeof(MalformedCommand))]
    public void Depth_BeyondTheLimit_IsThatCommandsFault(string method, string field, int depth, Type expected)
    {
        string deep = new string('[', depth) + new string(']', depth);

        List<ClientCommand> commands = Read($$$"""{"id":1,"{{{method}}}":{"channel":"a","{{{field}}}":{{{deep}}}}}{"id":2,"rpc":{}}""")!;

        Assert.Equal([expected, typeof(RpcCommand)], commands.Select(static each => each.GetType()));
    }

    [Fact]
    public void VerbatimValue_IsNotValidated()
    {
        const string Data = """{"a":1e999999,"a":123456789012345678901234567890,"\ud800":"\udc00"}""";

        PublishCommand command = Assert.IsType<PublishCommand>(
            Assert.Single(Read($$$"""{"id":1,"publish":{"channel":"a","channel":"b","data":0,"data":{{{Data}}}}}""")!));

        Assert.Equal(("b", Data), (command.Channel, Encoding.UTF8.GetString(command.Data.Span)));
    }

    [Fact]
    public void AnyBytes_AreReadOrReported()
    {
        byte[] seed = Encoding.UTF8.GetBytes(
            """{"id":2,"subscribe":{"channel":"a\u0062","recover":true,"offset":5,"since":{"offset":1},"subs":{"c":{}},"data":[{}]}}""");
        Random random = new(6455);
        for (int round = 0; round < 20_000; round++)
        {
            byte[] bytes = [.. seed];
            for (int change = random.Next(1, 4); change > 0; change--)
            {
                bytes[random.Next(bytes.Length)] = random.Next(3) == 0 ? (byte)random.Next(256) : seed[random.Next(seed.Length)];
            }

            _ = Read(bytes);
        }
    }

    private static List<ClientCommand>? Read(string frame) => Read(Encoding.UTF8.GetBytes(frame));

    private static List<ClientCommand>? Read(byte[] frame)
    {
        CommandReader reader = new(frame);
        List<ClientCommand> commands = [];
        while (reader.TryRead(out ClientCommand? command))
        {
            if (command is null)
            {
                return commands;
            }

            commands.Add(command);
        }

        return null;
    }
}
