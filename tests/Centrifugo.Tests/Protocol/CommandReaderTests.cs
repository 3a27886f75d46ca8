using System.Text;
using Weir.Protocols.Centrifugo.Protocol;
using Weir.Relay;
using Xunit;

namespace Weir.Protocols.Centrifugo.Tests.Protocol;

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

        Assert.Equal([Method.Connect, Method.Subscribe, Method.Publish, Method.Send, Method.None, Method.History],
            commands.Select(static each => each.Method));
        Assert.Equal([1u, 2u, 3u, 0u, 0u, 4u], commands.Select(static each => each.Id));
        Assert.Equal("t", commands[0].Token);
        Assert.Equal(new StreamPosition("e", 7), Assert.Single(commands[0].Positions!, static each => each.Key == "c").Value);
        Assert.Equal(("ab", true, true), (commands[1].Channel, commands[1].JoinLeave, commands[1].RejectsUnrecovered));
        Assert.Equal(new StreamPosition("xy", 5), commands[1].From);
        Assert.Equal("""{"x" : [1, 2.50, "}{"]}""", Encoding.UTF8.GetString(commands[2].Data.Span));
        Assert.Equal("null", Encoding.UTF8.GetString(commands[3].Data.Span));
        Assert.Equal((-1, true, new StreamPosition("z", 9)), (commands[5].Limit, commands[5].Reverse, commands[5].Since!.Value));
    }

    [Theory]
    [InlineData("""{"id":1,"subscribe":{"channel":"a"}}""")]
    [InlineData("""{"id":1,"subscribe":{"channel":"a","offset":3,"recover":false}}""")]
    public void WithoutRecover_ThereIsNoPlaceToRecoverFrom(string frame) => Assert.Null(Assert.Single(Read(frame)!).From);

    [Theory]
    [InlineData("""{"id":1,"fly":{}}""", Method.Unknown)]
    [InlineData("""{"id":1,"subscribe":7}""", Method.Unknown)]
    [InlineData("""{"id":1}""", Method.None)]
    [InlineData("""{"id":1,"ping":{},"rpc":{"method":"m"}}""", Method.Rpc)]
    public void WhatIsNotKnown_IsPassedOver(string frame, object method) => Assert.Equal(method, Assert.Single(Read(frame)!).Method);

    [Theory]
    [InlineData("")]
    [InlineData(" \n\r\n ")]
    public void Nothing_IsNoCommand(string frame) => Assert.Empty(Read(frame)!);

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
    public void MalformedFrame_IsTold(string frame) => Assert.Null(Read(frame));

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
    public void MalformedCommand_IsTold_AndTheNextIsRead(string command)
    {
        List<ClientCommand> commands = Read(command + "\n" + """{"id":2,"publish":{"channel":"a","data":1}}""")!;

        Assert.Equal([(1u, Method.Malformed), (2u, Method.Publish)], commands.Select(static each => (each.Id, each.Method)));
    }

    [Theory]
    [InlineData("publish", "data", 64, Method.Publish)]
    [InlineData("publish", "data", 65, Method.Malformed)]
    [InlineData("publish", "data", 100_000, Method.Malformed)]
    [InlineData("connect", "data", 64, Method.Connect)]
    [InlineData("connect", "headers", 65, Method.Malformed)]
    [InlineData("fly", "with", 65, Method.Malformed)]
    public void Depth_BeyondTheLimit_IsThatCommandsFault(string method, string field, int depth, object expected)
    {
        string deep = new string('[', depth) + new string(']', depth);

        List<ClientCommand> commands = Read($$$"""{"id":1,"{{{method}}}":{"channel":"a","{{{field}}}":{{{deep}}}}}{"id":2,"rpc":{}}""")!;

        Assert.Equal([expected, Method.Rpc], commands.Select(static each => (object)each.Method));
    }

    [Fact]
    public void WhatIsVerbatim_IsNotJudged()
    {
        const string Data = """{"a":1e999999,"a":123456789012345678901234567890,"\ud800":"\udc00"}""";

        ClientCommand command = Assert.Single(Read($$$"""{"id":1,"publish":{"channel":"a","channel":"b","data":0,"data":{{{Data}}}}}""")!);

        Assert.Equal(("b", Data), (command.Channel, Encoding.UTF8.GetString(command.Data.Span)));
    }

    [Fact]
    public void AnyBytes_AreReadOrTold()
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
