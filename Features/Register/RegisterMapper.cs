using FastEndpoints;
using Profiles.Data;

namespace Profiles.Features.Register;

sealed class RegisterMapper : Mapper<RegisterRequest, RegisterResponse, User>
{
    /// <summary>Returns the new user without a password hash.</summary>
    public override User ToEntity(RegisterRequest r) => new()
    {
        Email = r.Email.Trim(),
        NormalizedEmail = User.Normalize(r.Email),
        Profile = new() { Name = r.Name.Trim() },
    };

    public override RegisterResponse FromEntity(User e) => new(e.Id, "User registered successfully");
}
