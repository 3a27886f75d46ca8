using System.Text;
using Weir.Core.Tests.Compression;
using Weir.Protocol;
using Weir.Protocol.Compression;
using Weir.Sending;
using Weir.Testing;
using Xunit;

namespace Weir.Core.Tests.Sending;

public sealed class ConnectionSenderDeflateTests
{
    private static readonly DeflateParameters _takeover = new(15, ServerNoContextTakeover: false, 15, ClientNoContextTakeover: false);
    private static readonly DeflateParameters _noTakeover = _takeover with { ServerNoContextTakeover = true };

    [Fact]
    public async Task Send_OwnAndSharedMessagesMixed_DecodeInOrderWithOneInflater()
    {
        TestSender first = new(deflate: _takeover);
        TestSender second = new(deflate: _takeover with { ServerMaxWindowBits = 9 }, sharing: first);
        List<string> expected = [];
        for (int round = 0; round < 30; round++)
        {
            if (round % 10 == 5)
            {
                first.Gate.Hold(); // so that some wait in the queue, between others of both kinds
            }

            string own = $"own message {round} of a connection that keeps its context, context, context";
            string shared = $"shared message {round} for connections that keep their context, context, context";
            foreach (TestSender sender in (TestSender[])[first, second])
            {
                Assert.True(sender.Send(own) <= SendResult.Queued);
            }

            SharedFrames run = first.Run(shared, "short");
            first.Sender.Send(run);
            second.Sender.Send(run);
            run.Release();
            expected.AddRange([own, shared, "short"]);
            if (round % 10 == 9)
            {
                await first.ReleaseAndDrainAsync();
            }
        }

        foreach (TestSender sender in (TestSender[])[first, second])
        {
            PlainInflater client = new();
            Assert.Equal(expected, sender.Sent.Select(frame => Decode(frame, client)));
            Assert.Contains(sender.Sent, frame => frame.Rsv == 4);
            sender.Sender.End();
        }

        Assert.Equal(first.Zlib.LiveStates, first.Zlib.IdleStates); // the kept ones were returned
        second.Dispose();
        first.Dispose();
        first.Arrays.Dispose();
    }

    [Fact]
    public void Send_Takeover_RefersToEarlierMessages()
    {
        using TestSender sender = new(deflate: _takeover);
        string text = "{\"symbol\":\"WEIR\",\"price\":12.5,\"volume\":1000}";

        sender.Send(text);
        sender.Send(text);

        Assert.True(sender.Sent[1].Payload.Length < sender.Sent[0].Payload.Length / 2);
        SharedFrames run = sender.Run("a message that comes from elsewhere");
        sender.Sender.Send(run);
        run.Release();
        sender.Send(text);
        Assert.Equal(sender.Sent[0].Payload, sender.Sent[3].Payload); // which made the client's window differ from ours
    }

    [Fact]
    public void Send_NoTakeover_EachDecodesAloneAndNoStateIsKept()
    {
        using TestSender sender = new(deflate: _noTakeover);
        string text = "a message a message a message a message";

        sender.Send(text);
        sender.Send(text);
        Assert.Equal(SendResult.Sent, sender.Send(SharedFramesTests.Prose(100_000)));

        Assert.Equal([text, text], sender.Sent.Take(2).Select(frame => Decode(frame, new PlainInflater())));
        Assert.Equal(SharedFramesTests.Prose(100_000), new PlainInflater().Decode(sender.Sent[2].Payload));
        Assert.Equal(sender.Zlib.LiveStates, sender.Zlib.IdleStates);
    }

    [Fact]
    public void Send_BelowTheMinimumAndControlFrames_AreNotCompressed()
    {
        using TestSender sender = new(deflate: _takeover, deflateMinimumBytes: 10);

        sender.Send("123456789");
        sender.Send("1234567890");
        sender.SendPong("a pong of more than ten bytes");
        sender.Sender.SendClose(CloseCode.Normal, "a reason of more than ten bytes");

        Assert.Equal([0, 4, 0, 0], sender.Sent.Select(frame => frame.Rsv));
        Assert.Equal("123456789", sender.Sent[0].Text);
    }

    [Fact]
    public async Task Send_Queued_CountsCompressedBytes()
    {
        using TestSender sender = new(deflate: _noTakeover, closeAtBytes: 1_000);
        sender.Stall();

        Assert.Equal(SendResult.Queued, sender.Send(SharedFramesTests.Prose(10_000)));
        Assert.InRange(sender.Sender.QueuedBytes, 20, 500);
        SharedFrames run = sender.Runs.Rent(64);
        run.Append(Opcode.Text, SharedFramesTests.Prose(10_000));
        long one = sender.Sender.QueuedBytes;
        Assert.Equal(SendResult.Queued, sender.Sender.Send(run));
        Assert.Equal(2 * one, sender.Sender.QueuedBytes);
        run.Release();

        await sender.ReleaseAndDrainAsync();
        Assert.Equal(0, sender.Arrays.Outstanding);
    }

    [Fact]
    public async Task End_WhileMessagesWait_ReturnsTheKeptState()
    {
        using TestSender sender = new(deflate: _takeover);
        sender.Stall("a message that is long enough to be compressed");
        sender.Send("another message that is long enough to be compressed");
        Assert.True(sender.Zlib.LiveStates > sender.Zlib.IdleStates);

        sender.Sender.End();
        sender.Sender.End();

        Assert.Equal(sender.Zlib.LiveStates, sender.Zlib.IdleStates);
        sender.Gate.Release();
        await Bounded.Eventually(() => !sender.Sender.IsBusy);
    }

    private static string Decode(ServerFrame frame, PlainInflater client)
        => frame.Rsv == 0 ? frame.Text : Encoding.UTF8.GetString(client.Decode(frame.Payload));
}
