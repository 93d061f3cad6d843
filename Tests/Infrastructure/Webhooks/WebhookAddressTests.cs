using System.Net;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Profiles.Data;
using Profiles.Infrastructure.Webhooks;

namespace Profiles.Tests.Infrastructure.Webhooks;

/// <summary>Messages go only to addresses of the public internet, and settings name only endpoints that can be.</summary>
[Trait("Database", "Sqlite")]
public sealed class WebhookAddressTests
{
    const string Secret = WebhooksFixture.Secret;

    [Theory]
    [InlineData("0.0.0.0", "10.1.2.3", "100.64.0.1", "100.127.255.255", "127.0.0.1", "127.8.8.8", "169.254.169.254")]
    [InlineData("172.16.0.1", "172.31.255.255", "192.0.0.8", "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1", "198.19.255.255")]
    [InlineData("168.63.129.16", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255")]
    [InlineData("::", "::1", "::ffff:8.8.8.8", "::ffff:127.0.0.1", "::8.8.8.8", "64:ff9b::8.8.8.8", "64:ff9b:1::1", "100::1")]
    [InlineData("fc00::1", "fd12:3456::1", "fe80::1", "fe80::1%1", "fec0::1", "ff02::1", "2001::1")]
    [InlineData("2001:db8::1", "2002:7f00:1::", "3fff::1")]
    public void Special_addresses_are_refused(params string[] addresses) =>
        addresses.Where(a => PublicNetworks.Contain(IPAddress.Parse(a))).ShouldBeEmpty();

    [Fact]
    public void Public_addresses_are_allowed() =>
        ((string[])["8.8.8.8", "1.1.1.1", "100.63.255.255", "100.128.0.1", "172.15.0.1", "172.32.0.1", "192.0.1.1", "198.20.0.1"])
            .Concat(["223.255.255.1", "2606:4700::1111", "2001:4860:4860::8888", "2a00:1450::1", "2003::1"])
            .Where(a => !PublicNetworks.Contain(IPAddress.Parse(a))).ShouldBeEmpty();

    [Theory]
    [InlineData("localhost")]
    [InlineData("127.0.0.1")]
    [InlineData("[::1]")]
    [InlineData("2130706433")]
    [InlineData("0x7f.1")]
    public async Task A_name_that_resolves_to_a_special_address_is_not_connected_to(string host)
    {
        await using var receiver = await WebhookReceiver.StartAsync();
        var url = $"http://{host}:{new Uri(receiver.Address).Port}/";
        (await SendAsync(url, allowsPrivateNetworks: false)).ShouldBe("The address is in a private or special network");
        receiver.Deliveries.ShouldBeEmpty();
        if (host is "127.0.0.1" or "localhost")
            (await SendAsync(url, allowsPrivateNetworks: true)).ShouldBeNull();
    }

    [Theory]
    [InlineData("https://crm.example.com/hooks?key=1", true)]
    [InlineData("https://8.8.8.8/hooks", true)]
    [InlineData("http://crm.example.com/hooks", false)]
    [InlineData("https://127.0.0.1/hooks", false)]
    [InlineData("https://[::ffff:127.0.0.1]/hooks", false)]
    [InlineData("https://2130706433/hooks", false)]
    [InlineData("https://user@crm.example.com/", false)]
    [InlineData("https://crm.example.com/#x", false)]
    [InlineData("ftp://crm.example.com/", false)]
    [InlineData("/hooks", false)]
    public void An_address_is_https_and_public(string url, bool isAllowed) =>
        (WebhookFormats.Refusal("crm", url, [], allowsPrivateNetworks: false) is null).ShouldBe(isAllowed);

    [Theory]
    [InlineData($"a https://a.example/ {Secret}", 1)]
    [InlineData($" a  https://a.example/ {Secret} {Secret} user.created user.deleted ; b https://b.example/ {Secret};", 2)]
    [InlineData("", 0)]
    [InlineData($"a https://a.example/ {Secret}; a https://b.example/ {Secret}", null)]
    [InlineData("a https://a.example/", null)]
    [InlineData("a https://a.example/ whsec_dG9vIHNob3J0", null)]
    [InlineData($"a https://a.example/ {Secret} whsec_none", null)]
    [InlineData($"a https://a.example/ {Secret} user.born", null)]
    [InlineData($"a http://a.example/ {Secret}", null)]
    [InlineData($"A https://a.example/ {Secret}", null)]
    public void Endpoints_of_the_settings_are_named_and_signed(string endpoints, int? count) =>
        (new WebhooksOptions { Endpoints = endpoints }.Parsed()?.Count).ShouldBe(count);

    static async Task<string?> SendAsync(string url, bool allowsPrivateNetworks)
    {
        using var sender = new WebhookSender(
            Options.Create(new WebhooksOptions { AllowPrivateNetworks = allowsPrivateNetworks }), TimeProvider.System,
            NullLogger<WebhookSender>.Instance);
        var endpoint = new WebhookEndpoint { Name = "a", Url = url, Events = "", Secret = Secret, CreatedAt = default };
        return await sender.SendAsync(endpoint, new("msg_1", "{}"), TestContext.Current.CancellationToken);
    }
}
