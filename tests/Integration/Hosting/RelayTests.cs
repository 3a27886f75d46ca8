using Weir.Integration.Servers;
using Weir.Testing;
using Weir.TestSupport.Processes;
using Xunit;

namespace Weir.Integration.Hosting;

/// <summary>The Host's relay at <c>/ws</c>.</summary>
public sealed class RelayTests(RunningHost host)
{
    private readonly HostProcess _host = host.Process;

    [Fact]
    public async Task Message_GoesVerbatimToEveryOtherMember()
    {
        using RawClient sender = await _host.OpenAsync("/ws?room=verbatim");
        using RawClient second = await _host.OpenAsync("/ws?room=verbatim");
        using RawClient third = await _host.OpenAsync("/ws?room=verbatim");
        using RawClient stranger = await _host.OpenAsync("/ws?room=Verbatim");
        byte[] bytes = [.. Enumerable.Range(0, 100_000).Select(static i => (byte)i)];

        await sender.SendTextAsync("Grüße 🏞️");
        await sender.SendFrameAsync(0x2, bytes);
        await sender.SendFrameAsync(0x1, Array.Empty<byte>());

        foreach (RawClient member in (RawClient[])[second, third])
        {
            ServerFrame text = await member.ReadFrameAsync();
            ServerFrame binary = await member.ReadFrameAsync();
            ServerFrame empty = await member.ReadFrameAsync();
            Assert.Equal((0x1, "Grüße 🏞️"), (text.Opcode, text.Text));
            Assert.Equal(0x2, binary.Opcode);
            Assert.Equal(bytes, binary.Payload);
            Assert.Equal((0x1, 0), (empty.Opcode, empty.Payload.Length));
        }

        await AssertNothingCameAsync(sender);
        await AssertNothingCameAsync(stranger);
    }

    [Fact]
    public async Task MemberOfTwoRooms_ReceivesFromBothAndPublishesToBoth()
    {
        using RawClient both = await _host.OpenAsync("/ws?room=left&room=right&room=left");
        using RawClient left = await _host.OpenAsync("/ws?room=left");
        using RawClient right = await _host.OpenAsync("/ws?room=right");

        await both.SendTextAsync("to both");
        Assert.Equal("to both", (await left.ReadFrameAsync()).Text);
        Assert.Equal("to both", (await right.ReadFrameAsync()).Text);
        await left.SendTextAsync("from left");
        Assert.Equal("from left", (await both.ReadFrameAsync()).Text);
        await right.SendTextAsync("from right");
        Assert.Equal("from right", (await both.ReadFrameAsync()).Text);

        await AssertNothingCameAsync(left);
        await AssertNothingCameAsync(right);
        await AssertNothingCameAsync(both);
    }

    [Theory]
    [InlineData("/ws")]
    [InlineData("/ws?")]
    [InlineData("/ws?room=")]
    [InlineData("/ws?room=one&room=")]
    [InlineData("/ws?Room=case")]
    public async Task Upgrade_WithoutARoom_Is400WithTheRemedy(string target)
    {
        using RawClient client = await _host.ConnectAsync();

        await client.SendHeadAsync(Heads.Upgrade(target));

        RawResponse response = await client.ReadHeadAsync();
        Assert.Equal(400, response.Status);
        Assert.Equal("Name at least one room: ?room=NAME.\n", await HttpBody.ReadAsync(client, response));
    }

    [Fact]
    public async Task Echo_ByDefault_Is404()
    {
        using RawClient client = await _host.ConnectAsync();

        await client.SendHeadAsync(Heads.Upgrade("/echo"));

        Assert.Equal(404, (await client.ReadHeadAsync()).Status);
    }

    // A client receives in order: when the Pong is next, no message came before it.
    private static async Task AssertNothingCameAsync(RawClient client)
    {
        await client.SendRawAsync(Frames.Ping("nothing"u8));
        ServerFrame next = await client.ReadFrameAsync();
        Assert.Equal((0xA, "nothing"), (next.Opcode, next.Text));
    }
}
