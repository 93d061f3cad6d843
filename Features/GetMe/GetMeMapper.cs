using FastEndpoints;
using Profiles.Data;

namespace Profiles.Features.GetMe;

sealed class GetMeMapper : ResponseMapper<GetMeResponse, User>
{
    public override GetMeResponse FromEntity(User e) => new(e.Id, e.Profile.Name, e.Email, e.EmailVerifiedAt is not null, e.PendingEmail, e.Profile.Image?.Url, null);
}
